"""What must not be shown, and what stands in its place. Pure.

Credentials have known places: userinfo in a URL, some headers, some query parameters, a body. There they are
masked by place. Texts that others write (errors, redirects, logs) may repeat them anywhere: there they are
looked for by value.
"""

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, partial
from typing import Any, Final, TypeVar
from urllib.parse import quote, quote_plus, unquote, unquote_plus

import msgspec

from loadlab.recording.reasons import on_one_line

MASK: Final = "***"
SECRET_HEADERS: Final = (
    "authorization",
    "cookie",
    "proxy-authorization",
    "x-access-token",
    "x-amz-security-token",
    "x-api-key",
    "x-auth-token",
    "x-csrf-token",
)
"""Headers that are always masked, in small letters."""
SECRET_QUERY: Final = (
    "access_token",
    "api_key",
    "apikey",
    "auth",
    "client_secret",
    "id_token",
    "jwt",
    "password",
    "passwd",
    "pwd",
    "refresh_token",
    "secret",
    "session",
    "sessionid",
    "sig",
    "signature",
    "token",
    "x-amz-credential",
    "x-amz-security-token",
    "x-amz-signature",
)
"""Query parameters that are always masked, in small letters."""
LEAST_SIGNS: Final = 4
"""A shorter value is not looked for in other texts: it would be found in ordinary words."""
PROSE: Final = frozenset(
    {
        "failure",
        "message",
        "problem",
        "reason",
        "traceback",
        "redirected_to",
        "sentence",
        "target_lost",
        "unknown",
        "where",
        "why",
    }
)
"""Fields of results and events that may hold what others wrote."""

_LONG = 1024
_FEW = 200
_NAME = re.compile(r"(?:^|[?&;#])([^=?&;#]+)=")
"""The name of a parameter in a URL; its value is sent as it is written, up to the next & or #."""
_VALUE_END = re.compile(r"[&#]|\Z")
_IN_PROSE = re.compile(r"[?&;]([^=&;?\s#]+)=([^&;\s#'\"<>]+)")
"""A parameter in a sentence or a log, where a quote or a blank ends the URL."""
USERINFO = re.compile(r"(?<=//)[^/?#\s@'\"]*(?:@[^/?#\s@'\"]*)*@")
_SHAPE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*:)?//([^/?#]*)(.*)", re.DOTALL)
_WHOLE_AUTHORITY = re.compile(r"(?:.*@)?(?:\[[^\]]*\]|[^:@]*)(?::[0-9]*)?")
"""An authority that no unencoded sign of a password has cut short."""
_SCHEME = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*)?:?//")
_Kind = TypeVar("_Kind")


def is_secret_header(name: str, more: Iterable[str] = ()) -> bool:
    """Tell whether a header of this name is masked; `more` names some besides those that always are."""
    return name.lower() in SECRET_HEADERS or name.lower() in {each.lower() for each in more}


def _secret_parameters(more: Iterable[str]) -> frozenset[str]:
    """Return all names that are secret; `more` may be percent-encoded, as in a URL."""
    named = tuple(more)
    return frozenset((*SECRET_QUERY, *(each.lower() for each in named), *map(parameter_name, named)))


def parameter_name(text: str) -> str:
    """Return the one form of a query parameter's name: decoded, in small letters."""
    return unquote_plus(text).lower()


def parameter_names(url: str) -> Iterator[str]:
    """Give the names of a URL's query parameters, each in its one form."""
    return (parameter_name(found[1]) for found in _NAME.finditer(url))


def masked_header(line: str, more: Iterable[str] = ()) -> str:
    """Return a header line as it may be shown; one without a colon may be anything, and is masked whole."""
    name, colon, value = line.partition(":")
    if not colon:
        return MASK
    return f"{name}: {MASK}" if is_secret_header(name.strip(), more) else f"{name}:{without_userinfo(value)}"


def without_userinfo(text: str) -> str:
    """Return a text with the userinfo of its URLs masked."""
    return USERINFO.sub(f"{MASK}@", text)


def masked_query(url: str, more: Iterable[str] = ()) -> str:
    """Return a path or a URL with the values of secret query parameters masked."""
    parts, kept = [], 0
    for start, end in _secret_values(url, more):
        parts += [url[kept:start], MASK]
        kept = end
    return "".join([*parts, url[kept:]])


def _secret_values(url: str, more: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Give where the values of secret parameters begin and end in a URL."""
    over, hidden = 0, _secret_parameters(more)
    for found in _NAME.finditer(url):
        if found.start() < over or parameter_name(found[1]) not in hidden:
            continue
        ending = _VALUE_END.search(url, found.end())
        over = ending.start() if ending else len(url)
        if over > found.end():
            yield found.end(), over


def masked_url(url: str, more: Iterable[str] = ()) -> str:
    """Return a URL as it may be shown; of what is no URL all that may be userinfo is masked."""
    shape = _SHAPE.fullmatch(url)
    if shape is None or not _WHOLE_AUTHORITY.fullmatch(shape[2]):
        return masked_query(_without_all_before_at(url), more)
    scheme, authority, rest = shape[1] or "", shape[2], shape[3]
    userinfo, at, host = authority.rpartition("@")
    return f"{scheme}//{MASK if userinfo else ''}{at}{host}{masked_query(rest, more)}"


def _without_all_before_at(url: str) -> str:
    before, at, host = url.rpartition("@")
    scheme = _SCHEME.match(before)
    return f"{scheme[0] if scheme else ''}{MASK}@{host}" if at else url


def is_masked_url(url: str, more: Iterable[str] = ()) -> bool:
    """Tell whether something in a URL is masked, so that it can't be requested."""
    shape = _SHAPE.fullmatch(url)
    if shape is not None and shape[2].startswith(f"{MASK}@"):
        return True
    # Earlier versions masked a value up to a semicolon.
    return any(url[start:end].partition(";")[0] == MASK for start, end in _secret_values(url, more))


def query_secrets(url: str, more: Iterable[str] = ()) -> list[str]:
    """Return the values of the secret query parameters of a URL, as they are sent and as prose cuts them."""
    whole = [url[start:end] for start, end in _secret_values(url, more)]
    hidden = _secret_parameters(more)
    return whole + [value for name, value in _IN_PROSE.findall(url) if parameter_name(name) in hidden]


class Secrets:
    """Values that are looked for in texts that others wrote."""

    def __init__(self, values: Iterable[str] = (), *, query: Iterable[str] = ()) -> None:
        """Take the values as they are sent, and names of query parameters that are secret besides."""
        self._query = _secret_parameters(query)
        self._values = tuple(dict.fromkeys(value for value in values if len(value) >= LEAST_SIGNS))

    def __bool__(self) -> bool:
        """Tell whether there is anything to look for."""
        return bool(self._values)

    @cached_property
    def _by_start(self) -> dict[str, set[str]]:
        """Every form of the values by its first signs: a mix may have 100,000 of them."""
        found: dict[str, set[str]] = {}
        for form in itertools.chain.from_iterable(map(_forms, self._values)):
            if len(form) >= LEAST_SIGNS:
                found.setdefault(form[:LEAST_SIGNS], set()).add(form)
        return found

    @cached_property
    def _sizes(self) -> dict[str, list[int]]:
        """How long those are that begin so, the longest first."""
        return {
            start: sorted({len(form) for form in forms}, reverse=True)
            for start, forms in self._by_start.items()
        }

    @cached_property
    def longest(self) -> int:
        """How many characters the longest form of a value has."""
        return max((sizes[0] for sizes in self._sizes.values()), default=0)

    def safe_cut(self, text: str, at: int) -> int:
        """Return where a text can be cut in two, there or behind, without cutting a value."""
        looked = max(0, at - self.longest)
        while looked < min(at, len(text)):
            at = max(at, looked + self._found_at(text, looked))
            looked += 1
        return at

    def masked(self, text: str) -> str:
        """Return a text without what may not be shown."""
        text = self._masked_by_place(without_userinfo(text))
        if not self._values or (
            len(self._by_start) <= _FEW and not any(map(text.__contains__, self._by_start))
        ):
            return text
        parts, kept, at = [], 0, 0
        while at < len(text):
            size = self._found_at(text, at)
            if size:
                parts += [text[kept:at], MASK]
                kept = at + size
            at += size or 1
        return self._without_cut_off_end("".join([*parts, text[kept:]]))

    def _masked_by_place(self, text: str) -> str:
        """Mask secret parameters, up to where a sentence ends them or the value that was sent ends."""
        parts, kept = [], 0
        for found in _IN_PROSE.finditer(text):
            start = found.start(2)
            if start >= kept and parameter_name(found[1]) in self._query:
                parts += [text[kept:start], MASK]
                kept = max(found.end(), start + self._found_at(text, start))
        return "".join([*parts, text[kept:]])

    def _found_at(self, text: str, at: int) -> int:
        """Return how long the value is that stands there, 0 for none."""
        start = text[at : at + LEAST_SIGNS]
        sizes = self._sizes.get(start, ())
        return next((size for size in sizes if text[at : at + size] in self._by_start[start]), 0)

    def _without_cut_off_end(self, text: str) -> str:
        """Mask the beginning of a value where a text was cut off in the middle of one."""
        if not text.endswith("…"):
            return text
        for at in range(len(text) - LEAST_SIGNS):
            tail = text[at:-1]
            if any(each.startswith(tail) for each in self._by_start.get(tail[:LEAST_SIGNS], ())):
                return f"{text[:at]}{MASK}…"
        return text

    def masked_bytes(self, data: bytes) -> bytes:
        """Return the bytes of a log without what may not be shown; those that are not UTF-8 stay."""
        return self.masked(data.decode(errors="surrogateescape")).encode(errors="surrogateescape")

    def without(self, told: _Kind) -> _Kind:
        """Return a result or an event without what may not be shown in its `PROSE`."""
        found: _Kind = self._without(told, prose=False)
        return found

    def _without(self, told: Any, *, prose: bool) -> Any:  # noqa: ANN401 - any part of a message
        match told:
            case str():
                return self.masked(told) if prose and type(told) is str else told
            case msgspec.Struct():
                fields = told.__struct_fields__
                found = {name: self._without(getattr(told, name), prose=name in PROSE) for name in fields}
                changed = {name: value for name, value in found.items() if value is not getattr(told, name)}
                return msgspec.structs.replace(told, **changed) if changed else told
            case tuple() | list():
                parts = [self._without(each, prose=prose) for each in told]
                same = all(new is old for new, old in zip(parts, told, strict=True))
                return told if same else type(told)(parts)
            case Mapping():
                parts_of = {name: self._without(each, prose=prose) for name, each in told.items()}
                return told if all(parts_of[name] is told[name] for name in told) else parts_of
        return told


def _forms(value: str) -> set[str]:
    """Return how a value may be written: as it is, as Latin-1, percent-encoded, quoted, on one line.

    Of a long one, what is encoded is its beginning alone: others repeat no more.
    """
    if len(value) > _LONG:
        return {value, on_one_line(value)} | _forms(value[:_LONG])
    plain = {value, unquote(value), unquote_plus(value)}
    plain |= {each.encode(errors="replace").decode("latin-1") for each in plain}  # as WSGI has headers
    encoded = {form(each) for each in plain for form in _QUOTES}
    lower = {re.sub(r"%[0-9A-F]{2}", lambda sign: sign[0].lower(), each) for each in encoded}
    quoted = {form(each)[1:-1].lstrip("'") for each in plain for form in (repr, ascii, json.dumps, _bytes)}
    forms = plain | encoded | lower | quoted
    return forms | set(map(on_one_line, forms))


def _bytes(text: str) -> str:
    return repr(text.encode(errors="replace"))


_QUOTES: Final = tuple(
    partial(form, safe=safe, errors="replace") for form in (quote, quote_plus) for safe in ("", "/")
)
