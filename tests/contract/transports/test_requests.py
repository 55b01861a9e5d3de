"""What goes out: the request as the plan has it, and nothing else."""

from base64 import b64decode
from urllib.parse import unquote

import pytest

from contract.transports.callers import plan_for
from contract.transports.scripted import answers
from loadlab.plan import Request
from loadlab.sample import Outcome

FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nSet-Cookie: a=b\r\n\r\n"


@pytest.fixture
def sent(caller, serve):
    def send(**request):
        server = serve(answers(FINE))
        path = request.pop("path", "")
        caller.open(plan_for(server.url))
        for _ in range(2):
            reply = caller.send(Request(url=server.url + path, **request))
            assert reply.outcome is Outcome.OK
        first, second = server.received
        assert first == second, "a request is the same each time"
        return first

    return send


def test_a_plain_request_names_its_host_and_its_client_and_nothing_else(sent):
    received = sent()

    assert (received.method, received.target, received.body) == ("GET", "/", b"")
    assert {name.lower() for name, _ in received.headers} == {"host", "user-agent"}
    assert received.named("User-Agent") == ["loadlab"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"])
def test_the_method_arrives(sent, method):
    assert sent(method=method).method == method


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_missing_body_is_an_empty_body(sent, method):
    received = sent(method=method)

    assert (received.named("Content-Length"), received.body) == (["0"], b"")
    assert received.named("Content-Type") == []


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_the_body_arrives_with_its_length_and_no_invented_type(sent, method):
    body = bytes(range(256)) * 1000

    received = sent(method=method, body=body)

    assert received.body == body
    assert received.named("Content-Length") == ["256000"]
    assert received.named("Content-Type") == []
    assert received.named("Transfer-Encoding") == []


def test_headers_arrive_as_given_twice_where_given_twice(sent):
    received = sent(
        method="POST",
        body=b"{}",
        headers=(
            ("Content-Type", "application/json"),
            ("User-Agent", "mine"),
            ("Accept-Encoding", "gzip"),
            ("X-Twice", "one"),
            ("X-Twice", "two"),
            ("Cookie", "c=1"),
        ),
    )

    assert received.named("Content-Type") == ["application/json"]
    assert received.named("User-Agent") == ["mine"]
    assert received.named("Accept-Encoding") == ["gzip"]
    assert received.named("X-Twice") == ["one", "two"]
    assert received.named("Cookie") == ["c=1"], "and the server's cookie is not kept"


@pytest.mark.parametrize("headers", [(), (("Expect", "100-continue"),)], ids=["plain", "expecting 100"])
def test_one_request_in_flight_many_times_goes_out_whole_each_time(caller, serve, headers):
    server = serve(answers(FINE))
    caller.open(plan_for(server.url))
    request = Request(url=server.url, method="POST", body=bytes(range(256)) * 1000, headers=headers)

    replies = caller.send_together([request] * 20)

    assert [reply.outcome for reply in replies] == [Outcome.OK] * 20
    first = server.received[0]
    assert first.body == request.body
    assert all((each.headers, each.body) == (first.headers, first.body) for each in server.received)


def test_the_host_header_can_be_another(sent):
    assert sent(headers=(("Host", "service.test"),)).named("Host") == ["service.test"]


@pytest.mark.parametrize("credentials", ["me:p%20w", "me", "m%C3%BC:%E2%82%AC", "m\u00fc:\u20ac"])
def test_credentials_in_the_url_go_out_as_a_header_and_not_in_the_target(caller, serve, credentials):
    server = serve(answers(FINE))
    caller.open(plan_for(server.url))

    caller.send(Request(url=server.url.replace("//", f"//{credentials}@")))

    (received,) = server.received
    (authorization,) = received.named("Authorization")
    user, _, password = b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
    assert f"{user}:{password}".removesuffix(":") == unquote(credentials)
    assert received.target == "/"
    assert "@" not in received.named("Host")[0]


def test_an_authorization_that_is_given_goes_before_the_credentials_of_the_url(caller, serve):
    server = serve(answers(FINE))
    caller.open(plan_for(server.url))
    url = server.url.replace("//", "//me:pw@")

    caller.send(Request(url=url, headers=(("authorization", "Bearer mine"),)))

    assert server.received[0].named("Authorization") == ["Bearer mine"]


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("a/b?x=1&y=2", "/a/b?x=1&y=2"),
        ("%7Euser/%2F?q=a%20b+c", "/%7Euser/%2F?q=a%20b+c"),
        ("a/../b/./c", "/a/../b/./c"),
        ("?", "/"),
        ("page#part", "/page"),
        ("gr\u00fc\u00dfe?q=\u00fc", "/gr%C3%BC%C3%9Fe?q=%C3%BC"),
    ],
)
def test_the_target_goes_out_as_it_is_written(sent, path, target):
    assert sent(path=path).target in (target, target + "?" if path == "?" else target)


def test_proxies_and_netrc_of_the_environment_are_left_alone(sent, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1/")

    assert sent().named("Authorization") == []
