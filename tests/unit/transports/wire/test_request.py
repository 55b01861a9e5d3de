"""What a kind of request is as bytes. What arrives at a server is in the contract suite."""

import pytest

from loadlab.transports.outgoing import outgoing
from loadlab.transports.wire.request import address, encode
from loadlab.workload.plan import Request


def test_a_request_is_a_line_its_headers_and_its_body():
    assert encode(outgoing(Request(url="http://host:8000/a?b=c"))) == (
        b"GET /a?b=c HTTP/1.1\r\nHost: host:8000\r\nUser-Agent: loadlab\r\n\r\n"
    )
    assert encode(outgoing(Request(method="POST", url="http://host", headers=(("A", "b"),), body=b"xy"))) == (
        b"POST / HTTP/1.1\r\nHost: host\r\nUser-Agent: loadlab\r\nContent-Length: 2\r\nA: b\r\n\r\nxy"
    )


@pytest.mark.parametrize(
    ("headers", "absent"),
    [
        ((("content-length", "5"),), b"Content-Length"),
        ((("Transfer-Encoding", "chunked"),), b"Content-Length"),
        ((("HOST", "other"),), b"Host: host"),
        ((("user-agent", "mine"),), b"loadlab"),
    ],
)
def test_what_is_given_is_not_added(headers, absent):
    sent = encode(outgoing(Request(method="POST", url="http://host/", headers=headers, body=b"x")))
    assert absent not in sent
    assert f"{headers[0][0]}: {headers[0][1]}".encode() in sent


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nb", "a\rb", "a\0b"])
def test_a_header_cannot_break_out_of_its_line(value):
    with pytest.raises(ValueError, match="breaks its line"):
        encode(outgoing(Request(url="http://host/", headers=(("A", value),))))


def test_user_and_password_in_a_url_are_credentials_and_not_part_of_the_host():
    sent = encode(outgoing(Request(url="http://me:p%40ss@host/")))
    assert b"Host: host\r\n" in sent
    assert b"Authorization: Basic bWU6cEBzcw==\r\n" in sent


def test_a_host_beyond_ascii_goes_out_as_idna():
    assert b"Host: xn--bcher-kva.example:81\r\n" in encode(
        outgoing(Request(url="http://b\u00fccher.example:81/"))
    )


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://host/", (False, "host", 80)),
        ("https://host", (True, "host", 443)),
        ("http://[::1]:8000/", (False, "::1", 8000)),
        ("http://user@HOST:81/", (False, "host", 81)),
    ],
)
def test_an_address_is_scheme_host_and_port(url, expected):
    assert address(url) == expected


@pytest.mark.parametrize(("value", "closes"), [("close", True), ("x, Close", True), ("keep-alive", False)])
def test_a_request_may_ask_to_close(value, closes):
    assert outgoing(Request(url="http://host/", headers=(("connection", value),))).closes == closes
