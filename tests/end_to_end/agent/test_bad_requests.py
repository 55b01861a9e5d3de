"""What is no HTTP: it is answered, and nothing is written where the agent's own words are."""

import socket

import pytest

pytestmark = pytest.mark.real

BAD = {
    "no address": b"GET * HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "no HTTP": b"hello\x1b[2Jthere\r\n\r\n",
    "a header without a colon": b"GET / HTTP/1.1\r\nHost: localhost\r\n\x1b[2J\r\n\r\n",
    "a length that is none": b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    "a header without measure": b"GET / HTTP/1.1\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_a_request_that_is_no_http_is_refused_and_leaves_no_traceback(mortal, data):
    with socket.create_connection(("127.0.0.1", mortal.port), timeout=20) as connection:
        connection.sendall(data)
        assert connection.recv(65536).split()[1] == b"400"

    assert mortal.get("/healthz").status == 200
    assert mortal.log == ""
