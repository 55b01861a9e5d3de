"""A URL as HTTP sends it: what is connected to, its Host header, its request target. Pure.

What is ASCII is sent as it is written, whether RFC 3986 allows it or not; other characters as the
percent-encoded bytes of their UTF-8 (RFC 3987, section 3.1). A host has one form: small letters, beyond ASCII
as UTS 46 says, an IPv4 address as four numbers.
"""

import ipaddress
import re
from typing import NamedTuple
from urllib.parse import parse_qs, quote

from loadlab.units import duration_ns

_SHAPE = re.compile(r"(https?)://([^/?#]*)(.*)", re.IGNORECASE)
_BLANK = re.compile(r"[\x00-\x20\x7f]")
_PORT = re.compile(r"[0-9]{1,5}")
_HOST = re.compile(r"(?=.{1,254}\Z)(?:[A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?")
_NUMERIC = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\.?")
"""What resolvers take for an IPv4 address: its last part is a number."""
_AS_WRITTEN = "".join(map(chr, range(0x21, 0x7F)))
_MOST_PORT = 65_535
_WRITE = "write http://host:port/path"


class Url(NamedTuple):
    """A URL, taken apart."""

    tls: bool
    host: str
    """What is connected to, in ASCII and small letters: a name, or an address without brackets."""
    port: int
    userinfo: str
    """As it is written, without the @."""
    authority: str
    """What the Host header says: the host in ASCII, and the port where one is written."""
    target: str
    """The request target in origin form (RFC 9112, section 3.2.1): path and query, in ASCII."""


def read_url(text: str) -> Url:
    """Take a URL apart; raise ValueError with the rest of a sentence that begins with it."""
    if _BLANK.search(text) or not _is_text(text):
        raise ValueError(f"is not a URL; {_WRITE}")
    shape = _SHAPE.fullmatch(text)
    if shape is None:
        raise ValueError(f"is not an http:// or https:// URL; {_WRITE}")
    tls = shape[1].lower() == "https"
    userinfo, _, where = shape[2].rpartition("@")
    if "\\" in userinfo:  # where others may see the path begin
        raise ValueError(f"is not a URL; {_WRITE}")
    host, shown, port = _host_and_port(where)
    return Url(
        tls=tls,
        host=host,
        port=(443 if tls else 80) if port is None else port,
        userinfo=userinfo,
        authority=shown if port is None else f"{shown}:{port}",
        target=request_target(shape[3]),
    )


def request_target(text: str) -> str:
    """Return what a path and query are sent as; raise ValueError with the rest of a sentence."""
    if _BLANK.search(text):
        raise ValueError("holds a blank or a control character; write %20 for a blank")
    if "#" in text:
        raise ValueError("has a fragment, which HTTP does not send; leave it out, or write %23 for #")
    if not _is_text(text):
        raise ValueError("is not UTF-8")
    return quote(rooted(text), safe=_AS_WRITTEN)


def rooted(text: str) -> str:
    """Return a path and query with the slash that an empty path stands for."""
    return text if text.startswith("/") else f"/{text}"


def origin_of(url: Url) -> str:
    """Return scheme, credentials, host and port in the one form that a URL has, without a path."""
    userinfo = f"{url.userinfo}@" if url.userinfo else ""
    host = f"[{url.host}]" if ":" in url.host else url.host
    port = f":{url.port}" if ":" in url.authority.rpartition("]")[2] else ""
    return f"{'https' if url.tls else 'http'}://{userinfo}{host}{port}"


def origin_and_rest(url: str) -> tuple[str, str]:
    """Split a URL, as it is written, before its path; the first is empty where it is a path alone."""
    if url.startswith("/"):
        return "", url
    scheme, separator, rest = url.partition("://")
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    return f"{scheme}{separator}{authority}", rooted(rest.removeprefix(authority))


def server_of(url: str) -> tuple[bool, str, int, str] | None:
    """Return what tells one server from another, credentials included; None where it is no URL."""
    try:
        parts = read_url(url)
    except ValueError:
        return None
    return parts.tls, parts.host, parts.port, parts.userinfo


def delay_ns_of(url: str, otherwise_ns: int) -> int:
    """Return the delay that a URL programs, as in `?delay=5ms`; raise UsageError where it is no duration."""
    asked = parse_qs(url.partition("?")[2]).get("delay")
    return duration_ns(asked[-1], "delay") if asked else otherwise_ns


def _is_text(text: str) -> bool:
    """Tell whether it can be UTF-8: bytes of the command line that are not are surrogates here."""
    return not any("\ud800" <= sign <= "\udfff" for sign in text)


def _host_and_port(text: str) -> tuple[str, str, int | None]:
    """Return what is connected to, how the Host header writes it, and the port where one is written."""
    if text.startswith("["):
        address, bracket, behind = text[1:].partition("]")
        host = _address(address)
        shown = f"[{host.partition('%')[0]}]"
        colon, port = behind[:1], behind[1:]
        if not bracket or colon not in ("", ":"):
            raise ValueError(f"is not a URL; {_WRITE}")
    else:
        name, _, port = text.partition(":")
        host = shown = _name(name)
    if not port:
        return host, shown, None
    if not _PORT.fullmatch(port) or int(port) > _MOST_PORT:
        raise ValueError(f"is not a URL; {_WRITE}")
    if int(port) == 0:
        raise ValueError("has port 0")
    return host, shown, int(port)


def _address(text: str) -> str:
    address, percent, zone = text.partition("%")
    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        raise ValueError(f"is not a URL; {_WRITE}") from None
    if percent and not re.fullmatch(r"[A-Za-z0-9._-]{1,32}", zone.removeprefix("25")):
        raise ValueError(f"is not a URL; {_WRITE}")
    return f"{address.lower()}%{zone.removeprefix('25')}" if percent else address.lower()


def _name(text: str) -> str:
    name = text.lower() if text.isascii() else _in_ascii(text)
    if not _HOST.fullmatch(name):
        raise ValueError(f"has no host that can be looked up; {_WRITE}")
    return _dotted(name) if _NUMERIC.fullmatch(name) else name


def _dotted(name: str) -> str:
    """Return an IPv4 address in its usual form; it may be written as 127.1, 0x7f000001 or 2130706433."""
    try:
        *first, last = (_number(part) for part in name.removesuffix(".").split("."))
        if len(first) <= 3 and all(number <= 255 for number in first) and last < 256 ** (4 - len(first)):
            high = int.from_bytes(bytes(first)) << 8 * (4 - len(first))
            return str(ipaddress.IPv4Address(high + last))
    except ValueError:
        pass
    raise ValueError(f"has no host that can be looked up; {_WRITE}")


def _number(text: str) -> int:
    """Read a part of an address as resolvers do: 0x is hexadecimal, 0 before other digits octal."""
    if "_" in text:  # which Python takes for a number's
        raise ValueError(text)
    if text.startswith("0x"):
        return int(text, 16)
    return int(text, 8 if text.startswith("0") else 10)


def _in_ascii(name: str) -> str:
    import idna  # noqa: PLC0415 - large tables, which few runs need

    try:
        return idna.encode(name, uts46=True).decode()
    except idna.IDNAError:
        return ""
