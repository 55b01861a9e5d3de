"""Who is let in: every way around that a browser, or a program beside it, could try."""

import pytest
from multidict import CIMultiDict

from loadlab.agent.guard import Guard, NoGuard

TOKEN = "0123456789abcdef"
OURS = {"Host": "127.0.0.1:9200", "Content-Type": "application/json"}
WITH_TOKEN = OURS | {"Authorization": f"Bearer {TOKEN}"}


def status(guard, method="POST", target="/api/runs", **headers):
    """What is answered instead; None where the request is let in. Underscores are dashes."""
    named = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    refusal = guard.refusal(method, target, named)
    return None if refusal is None else refusal.status


def changed(base=WITH_TOKEN, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {name: value for name, value in (base | named).items() if value is not None}


LOOPBACK = Guard("127.0.0.1", None)
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
    assert status(LOOPBACK, **changed(OURS, Origin="http://127.0.0.1:9200")) is None


def test_two_origins_are_refused_if_one_is_another():
    headers = CIMultiDict(WITH_TOKEN)
    headers.add("Origin", "http://127.0.0.1:9200")
    headers.add("Origin", "null")
    assert OPEN.refusal("POST", "/api/runs", headers).status == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_a_browser_calls_another_site_changes_nothing(site):
    assert status(LOOPBACK, **changed(OURS, Sec_Fetch_Site=site)) == 403


@pytest.mark.parametrize("kind", [None, "", "text/plain", "application/x-www-form-urlencoded", "text/json"])
def test_what_a_browser_sends_for_any_page_without_asking_is_refused(kind):
    assert status(LOOPBACK, **changed(OURS, Content_Type=kind)) == 415


def test_json_may_say_its_charset():
    assert status(LOOPBACK, **changed(OURS, Content_Type="application/json; charset=utf-8")) is None


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
def test_without_the_very_token_nothing_is_changed(authorization):
    assert status(OPEN, **changed(Authorization=authorization)) == 401


def test_a_token_anywhere_else_is_none():
    headers = changed(Authorization=None, Cookie=f"token={TOKEN}", X_Token=TOKEN)
    assert status(OPEN, target=f"/api/runs?token={TOKEN}&access_token={TOKEN}", **headers) == 401


def test_reading_needs_no_token():
    assert status(OPEN, "GET", "/api/runs", Host="localhost") is None


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "get"])
def test_every_method_that_is_not_known_to_be_safe_needs_it(method):
    assert status(OPEN, method, **OURS) == 401


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "lab.example"])
def test_beyond_loopback_without_a_token_nothing_is_changed_at_all(host):
    guard = Guard(host, None)
    assert guard.needs_token
    for authorization in ("Bearer ", "Bearer None", f"Bearer {TOKEN}"):
        assert status(guard, **changed(Authorization=authorization)) == 403
    assert "make up" in guard.refusal("POST", "/", CIMultiDict(OURS)).sentence


def test_a_token_that_was_given_is_asked_for_on_loopback_too():
    assert status(Guard("127.0.0.1", TOKEN), **OURS) == 401


def test_on_loopback_without_one_none_is_needed():
    assert not LOOPBACK.needs_token
    assert status(LOOPBACK, **OURS) is None


def test_the_unix_socket_has_been_decided_by_its_file():
    assert NoGuard().refusal("POST", "/api/runs", CIMultiDict()) is None
