"""A step's request: target, header lines, body."""

import pytest

from loadlab.journeys.message import Messages, body_of, with_params


@pytest.fixture
def messages():
    return Messages("http://127.0.0.1:8000", keeps=True)


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/items", "/items"),
        ("/items?q=1&r=", "/items?q=1&r="),
        ("/café", "/caf%C3%A9"),
        ("items", "/items"),
        ("", "/"),
        ("http://127.0.0.1:8000/x?y", "/x?y"),
    ],
)
def test_a_path_is_sent_as_it_is_written(messages, path, target):
    assert messages.target(path) == target


def test_the_target_s_own_path_stands_before_a_step_s():
    assert Messages("http://h/base/?x", keeps=True).target("/items") == "/base/items"


@pytest.mark.parametrize("path", ["http://other:8000/x", "https://127.0.0.1:8000/x", "http://127.0.0.1/x"])
def test_a_path_to_another_host_is_refused(messages, path):
    with pytest.raises(ValueError, match="another host"):
        messages.target(path)


@pytest.mark.parametrize("path", ["/a b", "/a#b", "/a\nb", "/\ud800"])
def test_a_path_that_can_not_be_sent_is_refused(messages, path):
    with pytest.raises(ValueError, match=r"blank|fragment|UTF-8"):
        messages.target(path)


def test_a_get_has_the_lines_of_any_request(messages):
    quick, name = messages.get("/items?q=1", "a=1")
    assert name == "GET /items"
    assert quick == messages.made("GET", "/items?q=1", "a=1")
    assert quick.lines == (("Host", "127.0.0.1:8000"), ("User-Agent", "loadlab"), ("Cookie", "a=1"))


def test_a_post_says_its_length_and_type(messages):
    body, kind = body_of(None, None, {"a": "1 &"}, None)
    message = messages.made("POST", "/login", "", body=body, kind=kind)
    assert message.body == b"a=1+%26"
    assert dict(message.lines)["Content-Length"] == "7"
    assert dict(message.lines)["Content-Type"] == "application/x-www-form-urlencoded"


def test_headers_of_a_step_replace_those_of_the_plan():
    messages = Messages("http://h", keeps=True, headers={"Accept": "a", "X-All": "1"})
    lines = dict(messages.made("GET", "/", "", headers={"accept": "b"}).lines)
    assert (lines["accept"], lines["X-All"], "Accept" in lines) == ("b", "1", False)


@pytest.mark.parametrize("headers", [{"X": "a\r\nY: b"}, {"Content-Length": "3"}, {"a b": "c"}])
def test_a_header_that_can_not_be_sent_is_refused(messages, headers):
    with pytest.raises(ValueError, match="headers: "):
        messages.made("GET", "/", "", headers=headers)


def test_a_body_is_made_of_json_form_or_text():
    assert body_of(None, {"a": [1]}, None, None) == (b'{"a":[1]}', "application/json")
    assert body_of("é", None, None, None) == ("é".encode(), "text/plain; charset=utf-8")
    assert body_of(b"raw", None, None, None) == (b"raw", "")
    assert body_of(None, None, [("a", "1"), ("a", "2")], None)[0] == b"a=1&a=2"


def test_files_go_with_the_form_as_multipart():
    body, kind = body_of(None, None, {"note": "hi"}, {"photo": ("a.png", b"\x89PNG", "image/png")})
    assert kind.startswith("multipart/form-data; boundary=")
    assert b'name="note"\r\n\r\nhi' in body
    assert b'filename="a.png"\r\nContent-Type: image/png\r\n\r\n\x89PNG' in body


def test_a_request_has_one_body():
    with pytest.raises(ValueError, match="one body"):
        body_of(b"x", {"a": 1}, None, None)


def test_parameters_stand_behind_the_query_that_is_there():
    assert with_params("/s?a=1", {"q": "b c", "r": [1, 2]}) == "/s?a=1&q=b+c&r=1&r=2"
    assert with_params("/s", {}) == "/s"


def test_a_connection_that_is_not_kept_is_given_up_by_each_request():
    message, _ = Messages("http://h", keeps=False).get("/", "")
    assert message.closes
    assert ("Connection", "close") in message.lines


def test_a_get_that_comes_again_is_the_same_and_with_another_cookie_another(messages):
    first, _ = messages.get("/a", "a=1")
    assert messages.get("/a", "a=1")[0] is first
    other, _ = messages.get("/a", "a=2")
    assert dict(other.lines)["Cookie"] == "a=2"
    assert dict(messages.get("/b", "a=2")[0].lines)["Cookie"] == "a=2"
    assert dict(messages.get("/a", "a=1")[0].lines)["Cookie"] == "a=1"
