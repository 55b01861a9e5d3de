"""Responses as HTTP/1.1 allows them, as hypothesis strategies."""

from typing import NamedTuple

from hypothesis import strategies as st

TOKEN = st.text("!#$%&'*+-.^_`|~09azAZ", min_size=1, max_size=8).map(str.encode)
VISIBLE = st.text("".join(map(chr, [*range(0x21, 0x7F), 0x80, 0xE9, 0xFF])), min_size=1, max_size=8).map(
    lambda text: text.encode("latin-1")
)
BLANKS = st.text(" \t", max_size=3).map(str.encode)
FOLD = st.builds(lambda before, after: before + b"\r\n " + after, BLANKS, BLANKS)
TIMINGS = st.sampled_from(
    [
        b"queue;dur=0.123, app;dur=12.345",
        b"queue;dur=1,app;dur=2",
        b"db;dur=53, queue;dur=1.5, app;dur=0",
        b"queue;dur=1, app;dur=\r\n 2",
        b"queue;dur=1",
        b"app;dur=2",
        b"queue;dur=-1, app;dur=2",
        b'cache;desc="\xe9"',
        b"",
    ]
)
"""What servers say of the time that an answer took; not every one is a stamp."""
BODIES = st.binary(max_size=40)
FRAMING = (b"content-length", b"transfer-encoding", b"connection", b"upgrade", b"server-timing")


def cased(name: bytes) -> st.SearchStrategy[bytes]:
    return st.sampled_from([name, name.lower(), name.upper(), name.swapcase()])


@st.composite
def fields(draw) -> bytes:
    """A header line that is not looked at, possibly folded."""
    name = draw(TOKEN.filter(lambda name: name.lower() not in FRAMING))
    words = draw(st.lists(VISIBLE, max_size=3))
    value = b"".join(draw(st.sampled_from([b" ", b"\t", b"  "]) | FOLD) + word for word in words)
    return name + b":" + draw(BLANKS) + value + draw(BLANKS) + b"\r\n"


def field(name: bytes, value: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """A line with this name in any case, blanks around its value, possibly folded before it."""
    return st.builds(
        lambda name, before, value, after: name + b":" + before + value + after + b"\r\n",
        cased(name),
        BLANKS | FOLD,
        value,
        BLANKS,
    )


@st.composite
def heads(draw, status: int, framing: list[bytes], version: bytes = b"HTTP/1.1") -> bytes:
    reason = draw(st.sampled_from([b"", b" ", b" OK", b" Not  quite\tfine", b" \xe9\xff"]))
    lines = [*draw(st.lists(fields(), max_size=4)), *framing]
    return b"%s %d%s\r\n" % (version, status, reason) + b"".join(draw(st.permutations(lines))) + b"\r\n"


@st.composite
def chunked(draw, body: bytes) -> bytes:
    """The body in chunks of any size, with extensions, zeros, either case, and perhaps a trailer."""
    out, at = b"", 0
    while at < len(body):
        size = draw(st.integers(1, len(body) - at))
        out += draw(_size_line(size)) + body[at : at + size] + b"\r\n"
        at += size
    return out + draw(_size_line(0)) + b"".join(draw(st.lists(fields(), max_size=2))) + b"\r\n"


@st.composite
def _size_line(draw, size: int) -> bytes:
    digits = draw(st.sampled_from([b"%x", b"%X", b"0%x", b"000%X"])) % size
    extension = draw(st.sampled_from([b"", b";a", b";a=b", b';a="b \t c";d', b"; a = b", b";\xe9"]))
    return digits + extension + draw(st.sampled_from([b"", b" ", b"\t "])) + b"\r\n"


class Stream(NamedTuple):
    """What a server sends for one request, whole."""

    data: bytes
    ends: bool
    """Whether the end of the connection belongs to it."""
    bodiless: bool
    """Whether the request was a HEAD."""


@st.composite
def streams(draw, bodies: st.SearchStrategy[bytes] = BODIES) -> Stream:
    """One whole response to GET or HEAD, interim responses before it."""
    bodiless = draw(st.booleans())
    status = draw(st.sampled_from([200, 201, 203, 205, 206, 301, 404, 500, 503, 599, 204, 304]))
    version = draw(st.sampled_from([b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0"]))
    body = draw(bodies)
    kind = draw(st.sampled_from(["length", "chunked", "end"]))
    options = st.sampled_from([b"close", b"keep-alive", b"Close", b"Keep-Alive, x", b"x"])
    framing = draw(st.lists(field(b"Connection", options), max_size=1))
    framing += draw(st.lists(field(b"Server-Timing", TIMINGS), max_size=2))
    match kind:
        case "length":
            digits = draw(st.sampled_from([b"%d", b"0%d", b"000%d"])) % len(body)
            framing.append(draw(field(b"Content-Length", st.just(digits))))
        case "chunked":
            framing.append(draw(field(b"Transfer-Encoding", cased(b"chunked"))))
    interim = b"".join(
        draw(heads(code, [])) for code in draw(st.lists(st.sampled_from([100, 102, 103, 199]), max_size=2))
    )
    head = draw(heads(status, framing, version))
    if bodiless or status in (204, 304):
        return Stream(interim + head, ends=False, bodiless=bodiless)
    if kind == "chunked":
        body = draw(chunked(body))
    return Stream(interim + head + body, ends=kind == "end", bodiless=bodiless)


_BREAKS = [
    *(
        b"\r",
        b"\n",
        b"\r\n",
        b"\r\n\r\n",
        b" ",
        b"\t",
        b":",
        b"\x00",
        b"\x01",
        b"\x0b",
        b"\x7f",
        b"\x80",
        b"\r\n folded",
    ),
    *(b"0", b"9", b"-", b"+", b"_", b";", b",", b'"', b"0x5", b"ff", b" 101 ", b" 099 ", b" 600 ", b" 1000 "),
    *(b"HTTP/1.1 200 OK\r\n", b"HTTP/2.0 ", b"HTTP/1.2 ", b"chunked", b"identity", b"Content-Length: 5\r\n"),
    *(
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: gzip\r\n",
        b"Upgrade: x\r\nConnection: upgrade\r\n",
    ),
]
LETTERS = st.text("abc", max_size=20).map(str.encode)


@st.composite
def broken(draw) -> Stream:
    """A response with a few bytes replaced, removed or put in between. Most are malformed; some are not."""
    stream = draw(streams(LETTERS))
    data = bytearray(stream.data)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        taken = draw(st.sampled_from([0, 0, 1, 2, 5, 20]))
        data[at : at + taken] = draw(st.sampled_from([b"", *_BREAKS]) | st.binary(min_size=1, max_size=1))
    return Stream(bytes(data), ends=True, bodiless=stream.bodiless)
