"""Which requests of a recording become steps."""

import pytest

from loadlab.record.steps import recording
from support.har_files import BASE, entry, exchanges


def steps(*entries, static=False):
    return recording(exchanges(*entries), static=static)


def paths(found):
    return [each.url.path for each in found.steps]


@pytest.mark.parametrize(
    ("path", "mime", "more"),
    [
        ("/a.css", "text/css", {}),
        ("/a", "application/javascript; charset=utf-8", {}),
        ("/a", "image/svg+xml", {}),
        ("/a.woff2", "application/octet-stream", {}),
        ("/a.png", "", {}),
        ("/favicon.ico", "text/html", {"status": 404}),
        ("/a", "text/html", {"_resourceType": "stylesheet"}),
    ],
)
def test_static_files_are_left_out_unless_they_are_asked_for(path, mime, more):
    entries = entry(), entry(path=path, mime=mime, **more)
    assert paths(steps(*entries)) == ["/"]
    assert steps(*entries).static == 1
    assert paths(steps(*entries, static=True)) == ["/", path]


@pytest.mark.parametrize(
    ("method", "path", "mime"),
    [("GET", "/report.js", "text/html"), ("POST", "/avatar.png", "image/png"), ("GET", "/v1.2/items", "")],
)
def test_pages_and_what_is_sent_are_steps_whatever_they_are_called(method, path, mime):
    assert paths(steps(entry(method, path, mime=mime))) == [path]


def test_other_hosts_are_left_out_and_counted():
    other = entry(path="https://user:pw@fonts.example:8443/x")
    found = steps(entry(), other, other, entry(path="chrome-extension://abc/x"))
    assert found.origin == BASE
    assert paths(found) == ["/"]
    assert found.others == {"https://fonts.example:8443": 2}
    assert found.unfit == 1


def test_the_origin_is_the_one_that_most_requests_to_the_first_host_go_to():
    found = steps(
        entry(path="http://a.example/", status=301, replies={"Location": "https://a.example/"}),
        *(entry(path="https://a.example/x") for _ in range(2)),
        *(entry(path="https://b.example/x") for _ in range(5)),
    )
    assert found.origin == "https://a.example"


@pytest.mark.parametrize(
    "unfit",
    [
        entry(status=0),
        entry(status=101),
        entry("CONNECT"),
        entry("G\u00c4T"),
        entry(path="ws://shop.example/live"),
        entry(path="http://[broken/"),
        entry(path="http://a b/"),
        entry(path="http://h:99999/"),
        entry(path="data:text/plain,x"),
    ],
)
def test_what_no_journey_can_send_is_left_out_and_counted(unfit):
    found = steps(entry(), unfit)
    assert (paths(found), found.unfit) == (["/"], 1)


def test_a_redirect_and_what_it_led_to_are_one_step_whatever_came_between():
    [first, style] = steps(
        entry("POST", "/login", status=302, replies={"Location": "/next#top"}),
        entry(path="/other"),
        entry(path="/next", status=301, replies={"location": f"{BASE}/end"}),
        entry(path="/end", status=404),
    ).steps
    assert first.follows
    assert [answer.status for answer in first.answers] == [302, 301, 404]
    assert (style.url.path, style.follows) == ("/other", False)


def test_a_redirect_to_another_host_is_not_followed():
    [step] = steps(entry(status=302, replies={"Location": "https://login.example/x?token=s3cret"})).steps
    assert (step.follows, step.leads_to) == (False, "https://login.example")


def test_a_redirect_whose_target_was_not_recorded_is_not_followed():
    [step] = steps(entry(status=302, replies={"Location": "/gone"})).steps
    assert (step.follows, step.leads_to) == (False, "")


def test_redirects_in_a_circle_end():
    circle = [entry(path="/a", status=302, replies={"Location": "/a"}) for _ in range(30)]
    assert sum(len(step.answers) for step in steps(*circle).steps) == 30


def test_a_pause_is_the_time_from_the_last_answer_to_the_next_request():
    slow = entry(time=1_500.0)
    found = steps(slow, entry(), entry())
    assert [round(step.pause_ns / 1e6) for step in found.steps] == [0, 0, 500]


def test_of_nothing_there_are_no_steps():
    assert steps().steps == []
