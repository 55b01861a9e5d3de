"""A target that does not speak what its URL says gets one sentence, with what to do."""

import asyncio
from urllib.parse import urlsplit

import pytest

from contract.transports.scripted import answers
from loadlab.targets.scheme import mismatch

FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def told(url):
    parts = urlsplit(url)
    return asyncio.run(mismatch(url, parts.hostname, parts.port))


def test_a_certificate_that_nobody_trusts(serve, tls):
    url = serve(answers(FINE), tls=tls).url
    sentence = told(url)
    assert sentence.startswith(f"{url} cannot be loaded: certificate of an unknown issuer")
    assert "SSL_CERT_FILE" in sentence


@pytest.mark.usefixtures("trusted")
def test_a_trusted_certificate_of_another_host_wants_its_own_name_and_no_other_ca(serve, tls):
    url = serve(answers(FINE), tls=tls).url
    parts = urlsplit(url)
    sentence = asyncio.run(mismatch(f"https://elsewhere.test:{parts.port}", parts.hostname, parts.port))
    assert "certificate for another host name; use a name or address that stands in" in sentence
    assert "SSL_CERT_FILE" not in sentence


def test_https_to_a_port_without_tls(serve):
    def script(peer):
        peer.sock.recv(1 << 16)
        peer.say(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    assert "use http://" in told(serve(script).url.replace("http:", "https:"))


def test_http_to_a_port_with_tls(serve, tls):
    assert "use https://" in told(serve(answers(FINE), tls=tls).url.replace("https:", "http:"))


@pytest.mark.parametrize("path", ["", "/%zz", "//a[b", "?x=[1"])
def test_odd_targets_are_read_as_the_transports_read_them(serve, tls, path):
    parts = urlsplit(serve(answers(FINE), tls=tls).url)
    told = asyncio.run(mismatch(f"HTTP://127.0.0.1:{parts.port}{path}", parts.hostname, parts.port))
    assert told.endswith("cannot be loaded: the port speaks TLS; use https://")


@pytest.mark.parametrize("percent", ["%", "%25"])
def test_a_zone_is_read_whether_its_percent_sign_is_written_in_full_or_not(serve, tls, percent):
    parts = urlsplit(serve(answers(FINE), tls=tls).url)
    url = f"https://[fe80::1{percent}lo]:{parts.port}"
    told = asyncio.run(mismatch(url, parts.hostname, parts.port))
    assert told.startswith(f"{url} cannot be loaded: certificate of an unknown issuer")


@pytest.mark.usefixtures("trusted")
def test_a_url_that_fits_is_none(serve, tls):
    assert told(serve(answers(FINE), tls=tls).url) is None
    assert told(serve(answers(FINE)).url) is None


def test_a_server_that_hangs_up_proves_nothing(serve):
    url = serve(lambda peer: None).url
    assert told(url) is None
    assert told(url.replace("http:", "https:")) is None
