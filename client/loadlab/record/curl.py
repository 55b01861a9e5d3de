"""Reads curl commands, as browsers copy them for bash.

The libraries for it are not kept: uncurl (2021) needs a clipboard and knows neither $'…', -G, -F nor
--data-urlencode. So shlex splits the words, and getopt tells the options apart as curl does.
"""

import base64
import getopt
import re
import shlex
from collections.abc import Iterator
from urllib.parse import quote_plus, urlsplit

from loadlab.errors import UsageError
from loadlab.record.exchange import Exchange, Part, plain_mime

MOST_COMMANDS = 1_000
_FORM = "application/x-www-form-urlencoded"
_SHORT = "A:b:c:d:D:e:F:H:m:o:r:u:w:x:X:y:Y:z:#0123456fgGiIjkLnNOqsSvZ"
_VALUED = """
    cookie data data-ascii data-binary data-raw data-urlencode form form-string header json oauth2-bearer
    range referer request url url-query user user-agent

    cacert cert ciphers connect-timeout interface key limit-rate max-redirs max-time noproxy proxy proxy-user
    resolve retry retry-delay retry-max-time tls-max

    cookie-jar dump-header output write-out
"""
_FLAGS = """
    anyauth basic compressed get globoff head location location-trusted path-as-is

    http0.9 http1.0 http1.1 http2 http2-prior-knowledge http3 insecure ipv4 ipv6 no-buffer no-keepalive
    retry-all-errors retry-connrefused ssl-no-revoke tlsv1.2 tlsv1.3

    create-dirs fail fail-with-body include no-progress-meter progress-bar remote-name show-error silent
    verbose
"""
_LONG = [*(f"{each}=" for each in _VALUED.split()), *_FLAGS.split()]
_PIECE = re.compile(
    r"""(?P<ansi>\$'(?:[^'\\]|\\.)*')|(?P<kept>'[^']*'|"(?:[^"\\]|\\.)*"|\\\r?\n|\\.)|(?P<end>[;&|\n]+)|[^\\]""",
    re.DOTALL,
)
_FOR_CMD = re.compile(r"\s*curl\s+\^\"")
_ESCAPE = re.compile(
    r"\\(?:u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|x([0-9A-Fa-f]{1,2})|([0-7]{1,3})|(.))", re.DOTALL
)
_ESCAPED = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "v": "\v",
    "e": "\x1b",
    "E": "\x1b",
}


def exchanges(text: str, place: str) -> tuple[Exchange, ...]:
    """Return the requests of curl commands; raise UsageError that begins with `place`."""
    if _FOR_CMD.match(text):
        raise UsageError(f"{place}: this was copied for cmd; use 'Copy as cURL (bash)'")
    commands = [each for each in _commands(text) if each.strip()]
    if not commands or len(commands) > MOST_COMMANDS:
        raise UsageError(f"{place}: there are {len(commands):,} commands, not 1 to {MOST_COMMANDS:,}")
    found: list[Exchange] = []
    for number, command in enumerate(commands, 1):
        where = f"{place}: command {number}"
        try:
            words = shlex.split(command)
        except ValueError:
            raise UsageError(f"{where}: a quote is not closed") from None
        if words[:1] != ["curl"]:
            raise UsageError(
                f"{where} does not begin with curl; quote a URL that holds &, and leave out pipes"
            )
        try:
            options, urls = getopt.gnu_getopt(words[1:], _SHORT, _LONG)
        except getopt.GetoptError as error:
            raise UsageError(f"{where}: {error.msg}; leave it out") from None
        found += _Command(where, options, urls).exchanges()
    return tuple(found)


def _commands(text: str) -> Iterator[str]:
    r"""Give the commands of a shell's text, with each $'…' in plain quotes and lines that go on joined."""
    pieces: list[str] = []
    for piece in _PIECE.finditer(text):
        if piece["end"]:
            yield "".join(pieces)
            pieces = []
        elif piece["ansi"]:
            pieces.append(shlex.quote(_ESCAPE.sub(_unescaped, piece["ansi"][2:-1])))
        elif piece[0] not in ("\\\n", "\\\r\n"):
            pieces.append(piece[0])
    yield "".join(pieces)


def _unescaped(match: re.Match[str]) -> str:
    four, eight, two, octal, other = match.groups()
    if other is not None:
        return _ESCAPED.get(other, other)
    number = int(octal, 8) if octal else int(four or eight or two, 16)
    return chr(number) if number <= 0x10FFFF else "\ufffd"


class _Command:
    """One curl command, its options taken together."""

    def __init__(self, where: str, options: list[tuple[str, str]], urls: list[str]) -> None:
        self.where = where
        self.urls = urls
        self.method = ""
        self.data: list[str] = []
        self.parts: list[Part] = []
        self.headers: list[tuple[str, str]] = []
        self.query: list[str] = []
        given = {name for name, _ in options}
        self.json = "--json" in given
        self.get = not given.isdisjoint(("-G", "--get"))
        self.head = not given.isdisjoint(("-I", "--head"))
        self.follows = not given.isdisjoint(("-L", "--location", "--location-trusted"))
        for name, value in options:
            self._take(name, value)
            self._take_data(name, value)

    def exchanges(self) -> Iterator[Exchange]:
        if not self.urls:
            raise UsageError(f"{self.where} has no URL")
        body = "" if self.get else ("" if self.json else "&").join(self.data)
        query = [*self.query, *(self.data if self.get else ())]
        given = {name.lower(): value for name, value in self.headers}
        mime = plain_mime(given.get("content-type", "application/json" if self.json else _FORM))
        headers = [*self.headers]
        if self.json and "accept" not in given:
            headers.append(("Accept", "application/json"))
        sends = bool(body or self.parts or (self.data and not self.get))
        for url in self.urls:
            whole = url if "://" in url else f"http://{url}"
            address, _, _fragment = whole.partition("#")
            if query:
                address += ("&" if "?" in address else "?") + "&".join(query)
            yield Exchange(
                method=self.method or ("HEAD" if self.head else "POST" if sends else "GET"),
                url=address,
                headers=(*headers, *self._of_userinfo(address, given)),
                body=body,
                mime=("multipart/form-data" if self.parts else mime) if sends else "",
                parts=tuple(self.parts),
                follows=self.follows,
            )

    def _take(self, name: str, value: str) -> None:
        match name:
            case "--url":
                self.urls.append(value)
            case "-X" | "--request":
                self.method = value.upper()
            case "-H" | "--header":
                self._header(value)
            case "-u" | "--user":
                self._header(f"Authorization: {_basic(value)}")
            case "--oauth2-bearer":
                self._header(f"Authorization: Bearer {value}")
            case "-F" | "--form" | "--form-string":
                self._part(name, value)
            case _:  # how it connects and what it prints, and cookies, which a user keeps by itself
                pass

    def _take_data(self, name: str, value: str) -> None:
        match name:
            case "-d" | "--data" | "--data-ascii" | "--data-binary" | "--json":
                self.data.append(self._no_file(name, value))
            case "--data-raw":
                self.data.append(value)
            case "--data-urlencode":
                self.data.append(self._encoded(name, value))
            case "--url-query":
                self.query.append(value[1:] if value.startswith("+") else self._encoded(name, value))
            case _:
                pass

    def _header(self, line: str) -> None:
        if line.startswith("@"):
            raise UsageError(f"{self.where}: -H @FILE is not read; write the headers into the command")
        name, _, value = line.partition(":")
        if value.strip():
            self.headers.append((name.strip(), value.strip()))

    def _part(self, option: str, text: str) -> None:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"{self.where}: {option} is not NAME=VALUE")
        if value[:1] in ("@", "<") and option != "--form-string":
            self.parts.append(Part(name, file=value[1:].partition(";")[0].rpartition("/")[2]))
        else:
            self.parts.append(Part(name, value))

    def _encoded(self, option: str, text: str) -> str:
        name, equals, value = text.partition("=")
        if not equals:
            self._no_file(option, text if "@" in text[:1] else "")
            return quote_plus(text, errors="surrogateescape")
        encoded = quote_plus(value, errors="surrogateescape")
        return f"{name}={encoded}" if name else encoded

    def _no_file(self, option: str, value: str) -> str:
        if value.startswith("@"):
            raise UsageError(
                f"{self.where}: {option} @FILE is not read; write what it holds into the command"
            )
        return value

    def _of_userinfo(self, url: str, given: dict[str, str]) -> Iterator[tuple[str, str]]:
        try:
            parts = urlsplit(url)
            name, password = parts.username, parts.password
        except ValueError:
            raise UsageError(f"{self.where}: its URL can't be read") from None
        if name is not None and "authorization" not in given:
            yield "Authorization", _basic(f"{name}:{password or ''}")


def _basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode(errors="surrogateescape")).decode()
