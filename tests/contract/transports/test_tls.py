"""TLS: what the system trusts, and nothing else.

`certificates/ca.pem` signed `certificates/loopback.pem` (with its key) for 127.0.0.1, ::1 and
localhost; nothing else trusts it, and its own key is gone.
"""

from urllib.parse import urlsplit

import pytest

from contract.transports.callers import plan_for
from contract.transports.scripted import answers
from loadlab.recording.sample import Outcome, Reply
from loadlab.workload.plan import Request

FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_trusted_certificate_is_accepted_and_the_connection_kept(caller, serve, tls, host):
    server = serve(answers(FINE), tls=tls, host=host)
    caller.open(plan_for(server.url))

    replies = [caller.send(Request(url=server.url)) for _ in range(3)]

    assert replies == [Reply(Outcome.OK, 200, 2)] * 3
    assert {each.connection for each in server.received} == {0}
    assert caller.stats.connections_opened == 1


@pytest.mark.usefixtures("trusted")
def test_big_bodies_pass_both_ways(caller, serve, tls):
    body = bytes(2_000_000)
    server = serve(answers(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)), tls=tls)
    caller.open(plan_for(server.url))

    reply = caller.send(Request(method="POST", url=server.url, body=body))

    assert reply == Reply(Outcome.OK, 200, len(body))
    assert server.received[0].body == body


def test_a_certificate_that_nobody_trusts_is_a_connect_error(caller, serve, tls):
    server = serve(answers(FINE), tls=tls)
    caller.open(plan_for(server.url))

    assert caller.send(Request(url=server.url)).outcome is Outcome.CONNECT_ERROR
    assert server.received == []
    assert caller.stats.connections_opened == 0


@pytest.mark.usefixtures("trusted")
def test_the_certificate_is_for_the_name_wherever_the_plans_address_is(caller, serve, tls):
    server = serve(answers(FINE), tls=tls, host="127.0.0.2")
    url = server.url.replace("127.0.0.2", "localhost")
    caller.open(plan_for(url, address="127.0.0.2"))

    assert caller.send(Request(url=url)) == Reply(Outcome.OK, 200, 2)
    assert server.received[0].named("Host") == [urlsplit(url).netloc]


@pytest.mark.usefixtures("trusted")
def test_a_name_that_ends_with_a_dot_is_the_certificates_without_it(caller, serve, tls):
    server = serve(answers(FINE), tls=tls)
    url = server.url.replace("127.0.0.1", "localhost.")
    caller.open(plan_for(url, address="127.0.0.1"))

    assert caller.send(Request(url=url)) == Reply(Outcome.OK, 200, 2)
    assert server.received[0].named("Host") == [urlsplit(url).netloc]


@pytest.mark.usefixtures("trusted")
def test_a_certificate_for_another_host_is_a_connect_error(caller, serve, tls):
    server = serve(answers(FINE), tls=tls, host="127.0.0.2")
    caller.open(plan_for(server.url))

    assert caller.send(Request(url=server.url)).outcome is Outcome.CONNECT_ERROR
    assert server.received == []


def test_a_server_without_tls_is_a_connect_error(caller, serve):
    def script(peer):
        peer.sock.recv(1 << 16)
        peer.say(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    url = serve(script).url.replace("http:", "https:")
    caller.open(plan_for(url))

    assert caller.send(Request(url=url)).outcome is Outcome.CONNECT_ERROR


def test_a_server_that_hangs_up_in_the_handshake_is_a_connect_error(caller, serve):
    url = serve(lambda peer: peer.sock.recv(1)).url.replace("http:", "https:")
    caller.open(plan_for(url))

    assert caller.send(Request(url=url)).outcome is Outcome.CONNECT_ERROR
