"""Who is let in: every way around that a browser, or another program, could try."""

import pytest
from multidict import CIMultiDict

from loadlab.agent.access import Guard, NoGuard

TOKEN = "0123456789abcdef"
OURS = {"Host": "127.0.0.1:9200", "Content-Type": "application/json"}
WITH_TOKEN = OURS | {"Authorization": f"Bearer {TOKEN}"}


def status(guard, method="POST", target="/api/runs", *, is_open=None, **headers):
    """What is answered instead; None where the request is let in. Underscores are dashes."""
    named = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    is_page = target == "/"
    refusal = guard.refusal(
        method, target, named, is_open=is_page if is_open is None else is_open, is_page=is_page
    )
    return None if refusal is None else refusal.status


def changed(base=WITH_TOKEN, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {name: value for name, value in (base | named).items() if value is not None}


LOOPBACK = Guard("127.0.0.1", TOKEN)
OPEN = Guard("0.0.0.0", TOKEN)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:9200",
        "localhost:9200",
        "LOCALHOST",
        "127.0.0.1",
        "127.1.2.3:80",
        "[::1]:9200",
        "client:9200",
    ],
)
def test_it_answers_to_loopback_and_to_what_the_stack_calls_it(host):
    assert status(OPEN, "GET", "/", Host=host) is None


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evil.example:9200",
        "localhost@evil.example",
        "user@localhost",
        "localhost:9200@evil.example",
        "localhost:port",
        "localhost/evil",
        "localhost evil",
        "client.evil.example",
        "192.168.1.2:9200",
        "0.0.0.0:9200",
        "[::]:9200",
        "0x7f000001:9200",
        "[::ffff:192.168.1.2]:9200",
        "[::1]evil",
    ],
)
def test_it_answers_to_no_other_name(host):
    assert status(OPEN, "GET", "/", Host=host) == 403
    assert status(OPEN, **changed(Host=host)) == 403


def test_on_loopback_it_does_not_answer_to_the_services_name():
    assert status(LOOPBACK, "GET", "/", Host="client:9200") == 403


def test_it_answers_to_the_address_that_it_was_told_to_listen_on():
    assert status(Guard("192.168.1.2", TOKEN), "GET", "/", Host="192.168.1.2:9200") is None
    lab = Guard("192.168.1.2", TOKEN, named="Lab.example")
    for host in ("192.168.1.2:9200", "lab.example:9200", "client:9200", "localhost"):
        assert status(lab, "GET", "/", Host=host) is None
    assert status(lab, "GET", "/", Host="192.168.1.3:9200") == 403


@pytest.mark.parametrize("written", ["0", "0.0.0.0", "::", "::ffff:0.0.0.0"])
def test_every_address_is_the_name_of_none(written):
    guard = Guard("0.0.0.0", TOKEN, named=written)
    for host in ("0.0.0.0:9200", "[::]:9200", "[::ffff:0.0.0.0]:9200"):
        assert status(guard, "GET", "/", Host=host) == 403


def test_no_host_and_more_than_one_are_refused():
    assert LOOPBACK.refusal("GET", "/", CIMultiDict()).status == 403
    twice = CIMultiDict([("Host", "localhost"), ("Host", "localhost")])
    assert LOOPBACK.refusal("GET", "/", twice).status == 403


def test_an_address_in_the_request_line_is_refused_whatever_the_host():
    assert status(LOOPBACK, "GET", "http://evil.example/", Host="localhost") == 403


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "http://evil.example",
        "https://127.0.0.1:9200",
        "http://127.0.0.1:9201",
        "http://localhost:9200",
        "http://127.0.0.1:9200.evil.example",
        "http://127.0.0.1:9200/",
        "file://",
        "",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_page_of_another_origin_is_refused_even_with_the_token(origin, method):
    assert status(OPEN, method, **changed(Origin=origin)) == 403


def test_the_agents_own_page_is_let_in():
    assert status(OPEN, **changed(Origin="http://127.0.0.1:9200", Sec_Fetch_Site="same-origin")) is None
    assert status(LOOPBACK, **changed(Origin="http://127.0.0.1:9200")) is None


def test_two_origins_are_refused_if_one_is_another():
    headers = CIMultiDict(WITH_TOKEN)
    headers.add("Origin", "http://127.0.0.1:9200")
    headers.add("Origin", "null")
    assert OPEN.refusal("POST", "/api/runs", headers).status == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site", "", "SAME-ORIGIN", "same-origin, cross-site"])
@pytest.mark.parametrize(
    ("method", "target"), [("POST", "/api/runs"), ("GET", "/api/state"), ("GET", "/metrics")]
)
def test_what_a_browser_calls_another_site_reads_and_changes_nothing(site, method, target):
    assert (
        status(LOOPBACK, method, target, is_open=target == "/metrics", **changed(Sec_Fetch_Site=site)) == 403
    )


def test_one_of_several_sites_is_enough():
    headers = CIMultiDict(WITH_TOKEN)
    headers.add("Sec-Fetch-Site", "same-origin")
    headers.add("Sec-Fetch-Site", "cross-site")
    assert LOOPBACK.refusal("GET", "/api/state", headers).status == 403


OPENED = {"Host": "localhost:9200", "Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}


def test_a_link_elsewhere_may_open_the_page_and_nothing_else():
    link = OPENED | {"Sec_Fetch_Dest": "document"}
    assert status(LOOPBACK, "GET", "/", **link) is None
    assert status(LOOPBACK, "GET", "/static/app.js", is_open=True, **link) == 403
    assert status(LOOPBACK, "GET", "/metrics", is_open=True, **link) == 403
    assert status(LOOPBACK, "GET", "/api/state", **link) == 403
    assert status(LOOPBACK, "POST", "/", **link) == 401


@pytest.mark.parametrize(
    "changes",
    [{}, {"Sec_Fetch_Dest": "iframe"}, {"Sec_Fetch_Dest": "script"}, {"Sec_Fetch_Mode": "no-cors"}],
)
def test_no_frame_script_or_request_of_another_page_gets_even_the_page(changes):
    assert status(LOOPBACK, "GET", "/", **(OPENED | changes)) == 403


@pytest.mark.parametrize("kind", [None, "", "text/plain", "application/x-www-form-urlencoded", "text/json"])
def test_what_a_browser_sends_for_any_page_without_asking_is_refused(kind):
    assert status(LOOPBACK, **changed(Content_Type=kind)) == 415


def test_json_may_say_its_charset():
    assert status(LOOPBACK, **changed(Content_Type="application/json; charset=utf-8")) is None


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        TOKEN,
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Basic {TOKEN}",
        f"Bearer {TOKEN} {TOKEN}",
        "Bearer \udcff\xff",
    ],
)
@pytest.mark.parametrize("guard", [OPEN, LOOPBACK], ids=["open", "loopback"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST"])
def test_without_the_very_token_nothing_is_read_or_changed(guard, method, authorization):
    assert status(guard, method, **changed(Authorization=authorization)) == 401


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_with_the_token_it_is(method):
    assert status(LOOPBACK, method, **WITH_TOKEN) is None
    assert status(LOOPBACK, method, **changed(Authorization=f"bearer  {TOKEN} ")) is None


def test_lengths_are_limited_before_anything_is_compared(monkeypatch):
    compared = []
    monkeypatch.setattr("hmac.compare_digest", lambda *given: compared.append(given))
    assert status(OPEN, **changed(Authorization=f"Bearer {'x' * 257}")) == 401
    assert compared == []
    assert status(OPEN, "GET", "/", Host="a" * 301) == 403
    assert status(OPEN, **changed(Origin=f"http://{'a' * 301}")) == 403
    long = OPEN.refusal("GET", "/", CIMultiDict({"Host": "a" * 8000}), is_open=True, is_page=True)
    assert len(long.sentence) < 500


def test_a_token_anywhere_else_is_none():
    headers = changed(Authorization=None, Cookie=f"token={TOKEN}", X_Token=TOKEN)
    assert status(OPEN, target=f"/api/runs?token={TOKEN}&access_token={TOKEN}", **headers) == 401


def test_what_is_open_is_read_without_the_token():
    assert status(OPEN, "GET", "/metrics", is_open=True, Host="localhost") is None
    assert status(OPEN, "POST", "/metrics", is_open=True, Host="localhost") == 401


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "get"])
def test_every_method_that_is_not_known_to_be_safe_needs_it(method):
    assert status(OPEN, method, **OURS) == 401


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "lab.example"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_beyond_loopback_without_a_token_nothing_is_read_or_changed_at_all(host, method):
    guard = Guard(host, None)
    for authorization in ("Bearer ", "Bearer None", f"Bearer {TOKEN}"):
        assert status(guard, method, **changed(Authorization=authorization)) == 403
    assert "make up" in guard.refusal(method, "/api/runs", CIMultiDict(OURS)).sentence
    assert status(guard, "GET", "/", **OURS) is None


def test_the_unix_socket_has_been_decided_by_its_file():
    assert NoGuard().refusal("POST", "/api/runs", CIMultiDict()) is None
