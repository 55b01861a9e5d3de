"""What goes out: the request as the plan has it, and nothing else."""

import itertools
from base64 import b64decode
from urllib.parse import quote, unquote

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from contract.transports.callers import plan_for
from contract.transports.scripted import answers
from loadlab.recording.sample import Outcome
from loadlab.workload.plan import Request, request_problems

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


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "PURGE", "M-SEARCH"])
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
        ("?", "/?"),
        ("a?", "/a?"),
        ("gr\u00fc\u00dfe?q=\u00fc", "/gr%C3%BC%C3%9Fe?q=%C3%BC"),
    ],
)
def test_the_target_goes_out_as_it_is_written(sent, path, target):
    assert sent(path=path).target == target


def test_proxies_and_netrc_of_the_environment_are_left_alone(sent, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1/")

    assert sent().named("Authorization") == []


ODD_TARGETS = {
    "/%zz": b"/%zz",
    "/a%": b"/a%",
    "/a|b": b"/a|b",
    '/a"b<c>': b'/a"b<c>',
    "/a{b}[c]": b"/a{b}[c]",
    "/a\\b^`": b"/a\\b^`",
    "/?filter[a]=1&q={}&b=|": b"/?filter[a]=1&q={}&b=|",
    "//double//b": b"//double//b",
    "/a:b@c": b"/a:b@c",
    "/http://x/": b"/http://x/",
    "?x=1": b"/?x=1",
    "?": b"/?",
    "": b"/",
    "/a?b?c": b"/a?b?c",
    "/*": b"/*",
    "/%c3%BC%20x": b"/%c3%BC%20x",
    "/m\u00fcsli/\u65e5\u672c?\u00f6=\u00e9": b"/m%C3%BCsli/%E6%97%A5%E6%9C%AC?%C3%B6=%C3%A9",
}


@pytest.mark.parametrize("written", ODD_TARGETS)
def test_an_odd_target_arrives_as_the_bytes_that_were_written(caller, serve, written):
    server = serve(answers(FINE))
    caller.open(plan_for(server.url))

    caller.send(Request(url=server.url.removesuffix("/") + written))

    (received,) = server.received
    host = server.url.removeprefix("http://").removesuffix("/").encode()
    expected = b"GET %b HTTP/1.1\r\nHost: %b\r\nUser-Agent: loadlab" % (ODD_TARGETS[written], host)
    assert received.head == expected


ODD_LINES = {
    "umlaut": ("X-Name", "m\u00fcsli", b"X-Name: m\xc3\xbcsli"),
    "beyond Latin-1": (
        "X-Name",
        "\u65e5\u672c \U0001f600",
        b"X-Name: \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80",
    ),
    "C1 control": ("X-Name", "a\x85b", b"X-Name: a\xc2\x85b"),
    "tab": ("X-Name", "a\tb", b"X-Name: a\tb"),
    "odd name": ("!#$%&'*+-.^_`|~", "a", b"!#$%&'*+-.^_`|~: a"),
    "case": ("x-NAME", "a", b"x-NAME: a"),
    "no value": ("X-Empty", "", b"X-Empty: "),
}


@pytest.mark.parametrize("line", ODD_LINES)
def test_an_odd_header_arrives_as_the_bytes_that_were_written(caller, serve, line):
    name, value, expected = ODD_LINES[line]
    server = serve(answers(FINE))
    caller.open(plan_for(server.url))

    caller.send(Request(url=server.url, headers=((name, value), ("X-Two", "1"), (name.swapcase(), value))))

    *_, first, between, last = server.received[0].head.split(b"\r\n")
    assert (first, between) == (expected, b"X-Two: 1")
    assert last.lower() == expected.lower()


KNOWN_NAMES = (
    "Accept",
    "Accept-Encoding",
    "Authorization",
    "Content-Encoding",
    "Content-Type",
    "Cookie",
    "Date",
    "Expect",
    "Host",
    "If-Match",
    "Keep-Alive",
    "Proxy-Authorization",
    "Proxy-Connection",
    "Range",
    "Referer",
    "TE",
    "Trailer",
    "Upgrade",
    "User-Agent",
    "X-A",
)
"""Names of headers that some library sets, leaves out or reads by itself."""
KNOWN_VALUES = ("@@@SKIP_HEADER@@@", "100-continue", "chunked", "gzip, br", "None", "websocket", "a@h:80", "")
"""Values that mean something to some library."""


@pytest.mark.parametrize(("method", "body"), [("GET", b""), ("POST", b"content")])
def test_no_header_means_anything_to_a_library(caller, serve, method, body):
    server = serve(answers(FINE))
    caller.open(plan_for(server.url))
    for name, value in itertools.product(KNOWN_NAMES, KNOWN_VALUES):
        server.received.clear()
        request = Request(url=server.url, method=method, headers=((name, value), ("X-Last", "1")), body=body)
        assert caller.send(request).outcome is Outcome.OK, (name, value)
        (received,) = server.received
        *rest, given, last = received.head.split(b"\r\n")
        assert (given, last) == (f"{name}: {value}".encode(), b"X-Last: 1")
        assert len(rest) == 3 - (name in ("Host", "User-Agent")) + (method == "POST")
        assert received.body == body


@pytest.mark.parametrize("method", ["DELETE", "OPTIONS", "TRACE"])
def test_a_method_that_expects_no_body_has_no_length(sent, method):
    received = sent(method=method)

    assert (received.method, received.named("Content-Length")) == (method, [])


texts = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"]) | st.sampled_from("[]{}%?/&=|\\\"'"), max_size=20
)
names = st.text("!#$%&'*+-.^_`|~09azAZ", min_size=1, max_size=8)


@st.composite
def odd_requests(draw, url):
    made = Request(
        url=url + "/" + draw(texts),
        method=draw(st.sampled_from(["GET", "POST", "DELETE"]) | names.map(str.upper)),
        headers=tuple(draw(st.lists(st.tuples(names, texts.map(lambda text: text.strip(" "))), max_size=3))),
        body=draw(st.binary(max_size=20)),
    )
    assume(not request_problems(made) and made.method != "HEAD")
    return made


def test_whatever_a_plan_may_hold_arrives_as_the_same_bytes_on_every_transport(caller, serve):
    server = serve(answers(FINE))
    caller.open(plan_for(server.url))
    url = server.url.removesuffix("/")

    @settings(max_examples=100, deadline=None)
    @given(odd_requests(url))
    def arrives(request):
        server.received.clear()
        assert caller.send(request).outcome is Outcome.OK
        (received,) = server.received
        written = "".join(sign if sign.isascii() else quote(sign) for sign in request.url.removeprefix(url))
        first, *lines = received.head.split(b"\r\n")
        assert first == f"{request.method} {written} HTTP/1.1".encode()
        given_lines = [f"{name}: {value}".encode() for name, value in request.headers]
        assert lines[len(lines) - len(given_lines) :] == given_lines
        assert received.body == request.body

    arrives()
