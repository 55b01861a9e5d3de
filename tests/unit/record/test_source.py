"""The file that is written: what a person would have written."""

import ast

import pytest

from loadlab.record import curl, har
from loadlab.workload import think
from support.har_files import SHOP, as_json, calls, entry, exchanges, form, of_exchanges, written

SHOP_AS_WRITTEN = """\
    login = await user.get("/login")
    csrf = login.field("csrf")  # TODO: check; POST /login sends it
    await user.think("exp:2.8s")
    # TODO: log in once in a function with @setup, with a row of --data: user.row
    await user.post(
        "/login",
        form={"csrf": csrf, "name": "user7", "password": PASSWORD},
        follow=True,
    )
    await user.think("exp:900ms")
    await user.get("/search", params={"q": "lamp"})
    await user.think("exp:1.6s")
    # TODO: the id in the path came from a link of POST /login; take it from there
    items = await user.get("/items/7", name="GET /items/ID")
    csrf_2 = items.field("csrf")  # TODO: check; POST /cart sends it
    item = items.field("item")  # TODO: check; POST /cart sends it
    await user.think("exp:2.5s")
    await user.post("/cart", form={"csrf": csrf_2, "item": item}, follow=True)
    await user.think("exp:880ms")
    token_reply = await user.post(
        "/api/token",
        json={"name": "user7", "password": PASSWORD},
        headers={"Accept": "application/json"},
    )
    token = token_reply.json()["token"]  # TODO: check; GET /api/items sends it
    await user.get(
        "/api/items",
        headers={"Accept": "application/json", "Authorization": f"Bearer {token}"},
    )
    await user.think("exp:530ms")
    await user.get("/items/99999", name="GET /items/ID", expect=404)
"""


def of_curl(command):
    return calls(of_exchanges(curl.exchanges(command, "RECORDING")).text)


def test_a_browser_s_way_through_the_shop_is_written_as_a_person_would():
    found = of_exchanges(har.exchanges(SHOP.read_bytes(), "shop.har"))
    assert found.text.partition('recorded steps."""\n')[2] == SHOP_AS_WRITTEN
    assert (found.steps, found.todos, found.variables) == (8, 6, ("SHOP_PASSWORD",))
    assert "# Left out: 3 static files (--static keeps them)." in found.text
    assert "#     https://fonts.example (1)" in found.text
    assert 'PASSWORD = os.environ["SHOP_PASSWORD"]' in found.text


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("/", 'await user.get("/")'),
        ("/items", 'await user.get("/items")'),
        ("/items/7/parts/8", 'await user.get("/items/7/parts/8", name="GET /items/ID/parts/ID")'),
        (
            "/u/3f2504e0-4f89-11d3-9a0c-0305e82c3301",
            'await user.get("/u/3f2504e0-4f89-11d3-9a0c-0305e82c3301", name="GET /u/ID")',
        ),
        ("/o/ORD-17", 'await user.get("/o/ORD-17", name="GET /o/ID")'),
        ("/api/v2/faceted", 'await user.get("/api/v2/faceted")'),
        ("/a%20b", 'await user.get("/a%20b")'),
        ("/a b\u00e4", 'await user.get("/a%20b%C3%A4")'),
        ("/s?q=a+b&q=c", 'await user.get("/s", params=[("q", "a b"), ("q", "c")])'),
        ("/s?q=&n=%26", 'await user.get("/s", params={"q": "", "n": "&"})'),
        ("/s?wsdl", 'await user.get("/s?wsdl")'),
    ],
)
def test_paths_names_and_parameters(path, line):
    assert calls(written(entry(path=path)).text) == [line]


@pytest.mark.parametrize(
    ("status", "more"),
    [(200, ""), (304, ""), (206, ""), (201, ", expect=201"), (404, ", expect=404"), (500, ", expect=500")],
)
def test_a_status_is_expected_where_it_is_not_200(status, more):
    assert calls(written(entry(status=status)).text) == [f'await user.get("/"{more})']


@pytest.mark.parametrize(
    ("pause_ms", "spec"),
    [
        (99, None),
        (100, "exp:100ms"),
        (994, "exp:990ms"),
        (996, "exp:1s"),
        (2_345, "exp:2.3s"),
        (9_960, "exp:10s"),
        (61_400, "exp:61s"),
    ],
)
def test_pauses_of_a_person_become_think_times(pause_ms, spec):
    first = entry(startedDateTime="2026-12-01T00:00:00Z", time=0)
    moment = f"2026-12-01T00:{pause_ms // 60_000:02}:{pause_ms % 60_000 / 1_000:06.3f}Z"
    lines = calls(written(first, entry(path="/b", startedDateTime=moment)).text)
    assert lines[1:-1] == ([f'await user.think("{spec}")'] if spec else [])
    if spec:
        think.read(spec, "user.think")


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("curl -d 'a=1&a=2' h/x", 'await user.post("/x", form=[("a", "1"), ("a", "2")])'),
        (
            "curl --json '{\"n\": [1, 2.5, null, true, \"x\"]}' -H 'Accept: */*' h/x",
            'await user.post("/x", json={"n": [1, 2.5, None, True, "x"]})',
        ),
        (
            "curl -d '<a/>' -H 'Content-Type: text/xml' h/x",
            'await user.post("/x", data="<a/>", headers={"Content-Type": "text/xml"})',
        ),
        (
            "curl -X PATCH -d '{}' -H 'Content-Type: application/merge-patch+json' h/x",
            'await user.patch("/x", json={}, headers={"Content-Type": "application/merge-patch+json"})',
        ),
        (
            "curl -d null -H 'Content-Type: application/json' h/x",
            'await user.post("/x", data="null", headers={"Content-Type": "application/json"})',
        ),
        ("curl -I h/x", 'await user.request("HEAD", "/x")'),
        ("curl -X GET -d a=1 h/x", 'await user.request("GET", "/x", form={"a": "1"})'),
        ("curl -X DELETE h/x -L", 'await user.delete("/x", follow=True)'),
    ],
)
def test_bodies_and_methods(command, line):
    assert of_curl(command) == [line]


def test_files_are_named_and_left_to_the_person():
    assert of_curl("curl -F note=fine -F photo=@a.png h/x") == [
        "# TODO: the recording does not keep files; give their content",
        'await user.post("/x", form={"note": "fine"}, files={"photo": ("a.png", b"")})',
    ]


def test_a_long_body_is_left_to_the_person():
    lines = of_curl(f"curl -H 'Content-Type: text/plain' -d {'x' * 20_000} h/x")
    assert lines == [
        "# TODO: a body of 20,000 characters is left out; read it from a file",
        'await user.post("/x", data="")',
    ]


def test_headers_are_kept_where_an_app_may_look_at_them():
    sends = {
        "User-Agent": "Mozilla", "Accept": "text/html", "accept-language": "en", "Referer": "http://x/",
        "Sec-Fetch-Mode": "navigate", ":authority": "x", "Cookie": "a=b", "If-None-Match": '"1"', "DNT": "1",
        "X-Requested-With": "XMLHttpRequest", "HX-Request": "true", "x-broken": "a\nb", "Host": "x",
    }  # fmt: skip
    [line] = calls(written(entry(sends=sends)).text)
    assert line == 'await user.get("/", headers={"X-Requested-With": "XMLHttpRequest", "HX-Request": "true"})'
    [line] = calls(written(entry(sends={"Accept": "application/json, */*"})).text)
    assert line == 'await user.get("/", headers={"Accept": "application/json, */*"})'


def replied(value):
    return entry("POST", "/orders", body=as_json(value)["text"], mime="application/json")


def test_a_json_value_that_was_found_once_is_taken_from_there():
    lines = calls(written(replied({"order": {"number": "A1B2C3D4"}}), entry(path="/pay?ref=A1B2C3D4")).text)
    assert lines[:2] == [
        'orders = await user.post("/orders")',
        'number = orders.json()["order"]["number"]  # TODO: check; GET /pay sends it',
    ]
    assert lines[-1] == 'await user.get("/pay", params={"ref": number})'


def test_an_id_in_a_path_is_taken_and_keeps_the_step_s_name():
    lines = calls(written(replied({"id": 42, "total": 7}), entry(path="/orders/42/pay")).text)
    assert 'orders_id = str(orders.json()["id"])  # TODO: check; GET /orders/ID/pay sends it' in lines
    assert lines[-1] == 'await user.get(f"/orders/{orders_id}/pay", name="GET /orders/ID/pay")'


def test_a_number_in_json_stays_a_number():
    lines = calls(written(replied({"id": 42}), entry("POST", "/pay", data=as_json({"id": 42}))).text)
    assert lines[-1] == 'await user.post("/pay", json={"id": int(orders_id)})'


def test_a_value_that_was_found_twice_is_left_to_the_person():
    lines = calls(written(replied({"a": "A1B2C3D4", "b": "A1B2C3D4"}), entry(path="/x?ref=A1B2C3D4")).text)
    assert lines[-2:] == [
        (
            '# TODO: ref came from the JSON value ["a"] or the JSON value ["b"] of POST /orders;'
            " take it from there"
        ),
        'await user.get("/x", params={"ref": "A1B2C3D4"})',
    ]


def test_of_several_replies_the_latest_before_the_request_counts():
    page = '<input type=hidden name=csrf value="{}">'
    lines = calls(
        written(
            entry(path="/a", body=page.format("abc123456")),
            entry("POST", "/b", data=form("csrf=abc123456"), body=page.format("abc123456")),
            entry("POST", "/c", data=form("csrf=abc123456"), body=page.format("abc123456")),
        ).text
    )
    assert [line for line in lines if "field(" in line] == [
        'csrf = a.field("csrf")  # TODO: check; POST /b sends it',
        'csrf_2 = b.field("csrf")  # TODO: check; POST /c sends it',
    ]


def test_an_id_in_location_is_told_as_its_origin():
    made = entry("POST", "/orders", status=201, replies={"Location": "/orders/4711"})
    lines = calls(written(made, entry(path="/orders/4711")).text)
    assert (
        "# TODO: the id in the path came from the header Location of POST /orders; take it from there"
        in lines
    )


def test_a_token_that_an_app_keeps_in_a_cookie_is_read_from_the_cookies():
    lines = calls(
        written(
            entry(path="/a", replies={"Set-Cookie": "csrftoken=s3cret-abc; Path=/"}),
            entry("POST", "/b", sends={"X-CSRFToken": "s3cret-abc", "Cookie": "csrftoken=s3cret-abc"}),
        ).text
    )
    assert 'csrftoken = user.cookies.get("csrftoken")  # TODO: check; POST /b sends it' in lines
    assert lines[-1] == 'await user.post("/b", headers={"X-CSRFToken": csrftoken})'


def test_what_a_person_typed_is_not_taken_for_a_value_of_a_reply():
    lines = calls(
        written(
            replied({"page": 2, "name": "lamp", "kind": "decoration"}),
            entry(path="/s?page=2&q=lamp&kind=furniture"),
        ).text
    )
    assert lines[-1] == 'await user.get("/s", params={"page": "2", "q": "lamp", "kind": "furniture"})'


def test_names_that_python_has_already_are_not_used():
    lines = written(replied({"id": "A1B2C3D4E5"}), entry(path="/x?class=A1B2C3D4E5")).text
    tree = ast.parse(lines)
    assert {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} >= {"orders", "orders_id"}


@pytest.mark.parametrize("name", ["import", "os", "user", "User", "journey", "7", "", "\u00e4", '"""', "a b"])
def test_any_file_name_gives_the_journey_a_name(name):
    from loadlab.record.source import source
    from loadlab.record.steps import recording

    secret = entry("POST", "/x", data=form("password=s3cret"))
    text = source(recording(exchanges(secret), static=False), prefix=name, function=name).text
    scope = {}
    with pytest.MonkeyPatch.context() as patched:
        [variable] = [part for part in text.split('"') if part.endswith("_PASSWORD")]
        patched.setenv(variable, "x")
        exec(compile(text, "x", "exec"), scope)
