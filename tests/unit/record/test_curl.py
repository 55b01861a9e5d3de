"""Curl commands mean what they mean to curl and to the shell that they are written for."""

import base64

import pytest

from loadlab.errors import UsageError
from loadlab.record import curl
from loadlab.record.exchange import Part


def one(command):
    [found] = curl.exchanges(command, "RECORDING")
    return found


@pytest.mark.parametrize(
    ("command", "method", "url", "body"),
    [
        ("curl http://h/a", "GET", "http://h/a", ""),
        ("curl h:8000/a", "GET", "http://h:8000/a", ""),
        ("curl -I http://h/", "HEAD", "http://h/", ""),
        ("curl -XPUT -d x=1 http://h/", "PUT", "http://h/", "x=1"),
        ("curl http://h/ -d a=1 --data-raw b=2", "POST", "http://h/", "a=1&b=2"),
        ("curl http://h/ -d ''", "POST", "http://h/", ""),
        ("curl -G http://h/?p=1 -d a=1 --data-urlencode 'q=a b&c'", "GET", "http://h/?p=1&a=1&q=a+b%26c", ""),
        ("curl --data-urlencode '=a b' http://h/", "POST", "http://h/", "a+b"),
        ("curl --url-query 'q=a b' 'http://h/#top'", "GET", "http://h/?q=a+b", ""),
        ("curl -sSL \\\n  --compressed --max-time 3 -o out -b 'sid=1' http://h/", "GET", "http://h/", ""),
        ("curl -d -1 http://h/", "POST", "http://h/", "-1"),
        ("curl http://h/ -d '^\"'", "POST", "http://h/", '^"'),
        (
            "curl 'http://h/' --data-raw $'{\"a\":\"it\\'s\\u0021\\n\"}'",
            "POST",
            "http://h/",
            '{"a":"it\'s!\n"}',
        ),
        ('curl "http://h/\\"x" --data "a\\\\b"', "POST", 'http://h/"x', "a\\b"),
        ("curl 'http://h/?a=1&b=2;c'", "GET", "http://h/?a=1&b=2;c", ""),
    ],
)
def test_method_url_and_body_are_those_that_curl_sends(command, method, url, body):
    found = one(command)
    assert (found.method, found.url, found.body) == (method, url, body)


def test_several_commands_are_several_requests_as_browsers_copy_them():
    text = "curl 'http://h/a;b' ;\ncurl 'http://h/c' \\\n -H 'X: y' &\n\ncurl http://h/d http://h/e\n"
    assert [each.url[8:] for each in curl.exchanges(text, "RECORDING")] == ["/a;b", "/c", "/d", "/e"]


@pytest.mark.parametrize(
    "command", ["curl -u bob:pw http://h/", "curl http://bob:pw@h/", "curl --user bob:pw h"]
)
def test_a_user_and_a_password_are_a_header(command):
    assert one(command).headers == (("Authorization", "Basic " + base64.b64encode(b"bob:pw").decode()),)


def test_headers_and_types_are_those_that_curl_adds():
    assert one("curl --json '{}' h").mime == "application/json"
    assert dict(one("curl --json '{}' h").headers)["Accept"] == "application/json"
    assert one("curl -d a h").mime == "application/x-www-form-urlencoded"
    assert one("curl -d a -H 'content-type: Text/XML; charset=x' h").mime == "text/xml"
    assert one("curl -H 'X: a: b' -H 'Accept:' -H 'Y;' h").headers == (("X", "a: b"),)
    assert one("curl --oauth2-bearer abc h").headers == (("Authorization", "Bearer abc"),)


def test_a_form_with_a_file_has_the_name_of_the_file():
    found = one("curl -F note=fine -F 'photo=@/home/bob/a.png;type=image/png' --form-string 'at=@x' h")
    assert found.mime == "multipart/form-data"
    assert found.parts == (Part("note", "fine"), Part("photo", file="a.png"), Part("at", "@x"))


@pytest.mark.parametrize("option", ["-L", "--location", "-sL"])
def test_redirects_are_followed_where_curl_does(option):
    assert one(f"curl {option} h").follows
    assert not one("curl h").follows


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("", "there are 0 commands"),
        ("curl 'http://h/", "command 1: a quote is not closed"),
        ("curl http://h/?a=1&b=s3cret", "command 2 does not begin with curl"),
        ("curl h | jq .s3cret", "command 2 does not begin with curl"),
        ("curl -s", "command 1 has no URL"),
        ("curl --no-such=s3cret h", "option --no-such not recognized; leave it out"),
        ("curl -d @s3cret h", "command 1: -d @FILE is not read"),
        ("curl --data-urlencode @s3cret h", "--data-urlencode @FILE is not read"),
        ("curl -H @s3cret h", "-H @FILE is not read"),
        ("curl -F s3cret h", "-F is not NAME=VALUE"),
        ("curl http://[s3cret/", "its URL can't be read"),
        ('curl ^"http://h/^"', "Copy as cURL (bash)"),
        ("wget h", "command 1 does not begin with curl"),
    ],
)
def test_what_can_not_be_read_is_a_sentence_without_what_was_written(command, why):
    with pytest.raises(UsageError, match=r"^RECORDING") as raised:
        curl.exchanges(command, "RECORDING")
    assert why in str(raised.value)
    assert "s3cret" not in str(raised.value)
