"""A user's cookies, kept as a browser keeps them (RFC 6265); which go out is decided by aiohttp's jar."""

from collections.abc import Iterator
from http.cookies import SimpleCookie

from aiohttp import CookieJar
from yarl import URL

_MOST_KEPT = 64


class Cookies:
    """One user's cookies. What goes out is found once per path, and kept until a cookie changes."""

    __slots__ = ("_base", "_headers", "_jar", "_last")

    def __init__(self, base: str) -> None:
        """Take the target's URL, which stands before paths."""
        self._base = URL(base)
        self._jar: CookieJar | None = None
        self._headers: dict[str, str] = {}
        self._last: tuple[str, tuple[str, ...]] = ("", ())
        """What was taken last: many apps set the same cookie with each answer."""

    def take(self, lines: tuple[str, ...], target: str) -> None:
        """Keep what an answer to a request for this path set, by its Set-Cookie lines."""
        if (target, lines) == self._last:
            return
        self._the_jar().update_cookies_from_headers(lines, self._url(target))
        self._headers.clear()
        runs_out = any("expires" in line.lower() or "max-age" in line.lower() for line in lines)
        self._last = ("", ()) if runs_out else (target, lines)  # set anew, that one would run out later

    def header(self, target: str) -> str:
        """Return the Cookie header for a request for this path; empty where none goes out."""
        if self._jar is None:
            return ""
        path = target.partition("?")[0]
        kept = self._headers.get(path)
        if kept is None:
            if len(self._headers) >= _MOST_KEPT:
                self._headers.clear()
            sent = self._jar.filter_cookies(self._url(path))
            kept = self._headers[path] = "; ".join(f"{each.key}={each.coded_value}" for each in sent.values())
        return kept

    def __setitem__(self, name: str, value: str) -> None:
        """Set a cookie that goes out with every request."""
        self._the_jar().update_cookies(SimpleCookie({name: value}), self._base.origin())
        self._changed()

    def get(self, name: str, default: str = "") -> str:
        """Return a cookie's value, whatever path it goes out with."""
        return next((each.value for each in self._jar or () if each.key == name), default)

    def __contains__(self, name: str) -> bool:
        """Tell whether there is a cookie of this name."""
        return name in iter(self)

    def __iter__(self) -> Iterator[str]:
        """Give the names."""
        return (each.key for each in self._jar or ())

    def clear(self) -> None:
        """Forget all, as a browser that is opened anew."""
        if self._jar is not None:
            self._jar.clear()
            self._changed()

    def _changed(self) -> None:
        self._headers.clear()
        self._last = ("", ())

    def _the_jar(self) -> CookieJar:
        if self._jar is None:
            self._jar = CookieJar(unsafe=True)  # of targets that are IP addresses, too
        return self._jar

    def _url(self, target: str) -> URL:
        return self._base.join(URL(target.partition("?")[0], encoded=True))
