"""No credential of a recording is written into the journeys file."""

import base64
import json
from urllib.parse import quote

import pytest

from loadlab.record import curl
from support import marks
from support.har_files import as_json, calls, entry, form, of_exchanges, written

SECRET = marks.mark("secret")
TOKEN = marks.token("secret")
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtNHJrIn0.m4rk-c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "found",
    [
        entry("POST", "/login", data=form(f"name=bob&password={TOKEN}")),
        entry("POST", "/login", data=form("user%5Bpassword_confirmation%5D=m4rk-x+%7E%2F%2B%C3%BC")),
        entry("POST", "/login", data=as_json({"user": {"passwd": SECRET}})),
        entry("POST", "/login", data=as_json({"credentials": [{"of": SECRET}, SECRET]})),
        entry("POST", "/login", data=as_json({"query": f'mutation {{ login(password: "{TOKEN}") }}'})),
        entry("POST", "/login", data=as_json({"nested": json.dumps({"apiKey": TOKEN})})),
        entry("POST", "/x", data={"mimeType": "text/xml", "text": f"<password>{TOKEN}</password>"}),
        entry("POST", "/x", data={"mimeType": "text/plain", "text": f'{{"accessToken":"{TOKEN}"}}'}),
        entry(
            "POST",
            "/x",
            data={"mimeType": "multipart/form-data", "params": [{"name": "secret", "value": SECRET}]},
        ),
        entry(
            "POST",
            "/x",
            data={
                "mimeType": "multipart/form-data",
                "params": [{"name": "f", "fileName": "a", "value": SECRET}],
            },
        ),
        entry("POST", "/x", data=form(f"{{password={TOKEN}}}")),
        entry(sends={"Authorization": f"Bearer {TOKEN}"}),
        entry(sends={"Authorization": f"Basic {base64.b64encode(SECRET.encode()).decode()}"}),
        entry(sends={"authorization": f'Digest username="bob", response="{TOKEN}"'}),
        entry(sends={"Proxy-Authorization": f"Basic {TOKEN}"}),
        entry(sends={"X-Api-Key": TOKEN}),
        entry(sends={"apikey": TOKEN}),
        entry(sends={"X-Session": TOKEN}),
        entry(sends={"X-Config": f"token={TOKEN}"}),
        entry(sends={"Cookie": f"sid={TOKEN}"}),
        entry(sends={"Referer": f"http://h/?token={TOKEN}"}),
        entry(replies={"Set-Cookie": f"sid={TOKEN}"}),
        entry(body=f"<p>{TOKEN}</p>"),
        entry(status=302, replies={"Location": f"https://id.example/{TOKEN}"}),
        entry(path=f"/x?api_key={TOKEN}"),
        entry(path=f"/x?next=http://bob:{TOKEN}@h/"),
        entry(path=f"/x?sid={TOKEN}-and-more-to-it"),
        entry(path=f"/x;jsessionid={TOKEN}"),
        entry(path=f"/x?token%3D{TOKEN}"),
        entry(path=f"/reset/{JWT}"),
        entry(path=f"/x?at={JWT}"),
        entry(path=f"http://bob:{TOKEN}@shop.example/"),
        entry(path=f"http://bob:{TOKEN}@other.example/"),
        entry(path=f"/x#access_token={TOKEN}"),
    ],
    ids=str,
)
def test_a_credential_in_any_place_is_not_written(found):
    text = written(entry(), found, entry(path="/more")).text
    assert marks.found(text.encode()) == []
    assert base64.b64encode(SECRET.encode()).decode() not in text
    compile(text, "shop.py", "exec")


@pytest.mark.parametrize(
    "command",
    [
        f"curl -u 'bob:{SECRET}' h",
        f"curl http://bob:{TOKEN}@h/",
        f"curl -H 'Authorization: Bearer {TOKEN}' -H 'X-Auth-Token: {TOKEN}' h",
        f"curl -b 'sid={TOKEN}' -H 'Cookie: sid={TOKEN}' -x 'http://bob:{TOKEN}@proxy' h",
        f"curl -d 'pw={TOKEN}' h",
        f'curl -d \'{{"password": "{TOKEN}"}}\' h',
        f'curl --json \'{{"password": "{TOKEN}"}}\' h',
        f"curl -F 'secret={TOKEN}' h",
        f"curl -G --data-urlencode 'client_secret={TOKEN}' h",
        f"curl --oauth2-bearer {TOKEN} h",
    ],
)
def test_nor_one_of_a_curl_command(command):
    text = of_exchanges(curl.exchanges(command, "RECORDING")).text
    assert marks.found(text.encode(), pairs=(f"bob:{SECRET}", f"bob:{TOKEN}")) == []


@pytest.mark.parametrize(
    "again",
    [
        entry(path=f"/x/{TOKEN}"),
        entry(path=f"/x?q=is+{TOKEN}+it"),
        entry(path=f"/x?{TOKEN}=1"),
        entry("POST", "/x", data={"mimeType": "text/plain", "text": f"so {TOKEN}"}),
        entry("POST", "/x", data=as_json({TOKEN: [f"so {TOKEN}"]})),
        entry("POST", "/x", data=form(f"{TOKEN}=1")),
        entry(sends={"X-Echo": f"so {TOKEN}"}),
        entry(
            "POST",
            "/x",
            data={"mimeType": "multipart/form-data", "params": [{"name": "f", "fileName": TOKEN}]},
        ),
    ],
    ids=str,
)
@pytest.mark.parametrize("first", [True, False], ids=["after it", "before it"])
def test_a_known_credential_is_hidden_wherever_else_it_stands(again, first):
    login = entry("POST", "/login", data=form(f"password={TOKEN}"))
    text = written(*((login, again) if first else (again, login))).text
    assert marks.found(text.encode()) == []
    assert text.count("PASSWORD") > 3
    compile(text, "shop.py", "exec")


def test_so_it_is_where_it_stands_in_another_encoding():
    login = entry("POST", "/login", data=as_json({"password": SECRET}))
    note = entry("POST", "/x", data=as_json({"note": f"see {quote(SECRET)}"}))
    text = written(login, note, entry(path=f"/x/{quote(SECRET, safe='')}")).text
    assert marks.found(text.encode()) == []


def test_a_secret_that_a_reply_gave_is_hidden_in_comments_and_code_as_well():
    text = written(
        entry(
            "POST",
            "/login",
            data=form(f"password={TOKEN}"),
            body=json.dumps({TOKEN: "A1B2C3D4", "b": TOKEN}),
            mime="application/json",
        ),
        entry(path="/x?ref=A1B2C3D4"),
        entry(path=f"/x?{TOKEN}=A1B2C3D4"),
    ).text
    assert marks.found(text.encode()) == []
    assert "(hidden)" in text


def test_each_credential_has_a_variable_named_after_its_field():
    found = written(
        entry("POST", "/a", data=form("password=one-1&other_password=two-2")),
        entry("POST", "/b", data=form("pwd=one-1&password=three-3"), sends={"X-Api-Key": "four-4"}),
    )
    assert found.variables == (
        "SHOP_PASSWORD",
        "SHOP_OTHER_PASSWORD",
        "SHOP_PASSWORD_2",
        "SHOP_X_API_KEY",
    )
    assert 'form={"pwd": PASSWORD, "password": PASSWORD_2}' in found.text


def test_a_token_that_nothing_gave_is_a_read_of_the_environment():
    [line] = calls(written(entry(sends={"Authorization": "Bearer abc-1"})).text)
    assert line == 'await user.get("/", headers={"Authorization": f"Bearer {TOKEN}"})'


def test_a_csrf_token_of_a_script_is_told_with_its_page():
    lines = calls(
        written(
            entry(path="/a", body="<script>csrf = 'abcd1234'</script>"),
            entry("POST", "/b", data=form("csrf=abcd1234")),
        ).text
    )
    assert lines[-2:] == [
        "# TODO: csrf came from the text of GET /a; take it from there",
        'await user.post("/b", form={"csrf": CSRF})',
    ]


@pytest.mark.parametrize(
    "name", ["name", "email", "author", "passenger", "page", "q", "key", "code", "shipping"]
)
def test_what_is_no_credential_stays_as_it_is(name):
    [line] = calls(written(entry(path=f"/x?{name}=lamp")).text)
    assert line == f'await user.get("/x", params={{"{name}": "lamp"}})'


@pytest.mark.parametrize(
    "value", ["forgot password", "$password", "mutation($password: String!)", "Secrets of life"]
)
def test_a_text_that_only_speaks_of_one_stays_as_it_is(value):
    lines = calls(written(entry("POST", "/x", data=as_json({"q": value}))).text)
    assert lines[-1] == f'await user.post("/x", json={{"q": "{value}"}})'
