"""What an answer holds, read when it is asked for."""

import pytest

from loadlab.transports.content import RawContent

HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nSet-Cookie: a=1\r\n"
    b"X-Long: one\r\n two\r\nset-cookie: b=2\r\n"
)


def content(raw):
    return RawContent(raw, 5)


def test_a_header_is_found_by_its_name_in_any_case():
    headers = content(HEAD + b"\r\nbody").headers
    assert headers["content-type"] == headers.get("CONTENT-TYPE") == "text/html"
    assert "X-Missing" not in headers
    assert headers.get("x-missing") == ""
    with pytest.raises(KeyError):
        headers["type"]


def test_a_header_of_several_lines_has_all_its_values():
    assert content(HEAD + b"\r\n").headers.all("Set-Cookie") == ("a=1", "b=2")


def test_a_folded_line_is_unfolded():
    assert content(HEAD + b"\r\n").headers.get("x-long") == "one two"


def test_names_are_given_once_in_small_letters():
    headers = content(HEAD + b"\r\n").headers
    assert list(headers) == ["content-type", "set-cookie", "x-long"]
    assert len(headers) == 3


def test_what_looks_like_a_header_in_the_body_is_none():
    assert content(b"HTTP/1.1 200 OK\r\nA: 1\r\n\r\nbody\r\nB: 2\r\n\r\n").headers.get("b") == ""


def test_the_body_stands_behind_the_head():
    assert content(HEAD + b"\r\nbody\r\n\r\nmore").body == b"body\r\n\r\nmore"


def test_a_chunked_body_is_put_together():
    raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: 1\r\n\r\n"
    assert content(raw).body == b"abcde"


def test_interim_answers_are_passed_over():
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    found = content(interim + interim + HEAD + b"\r\nbody")
    assert (found.headers.get("link"), found.body) == ("", b"body")
