"""Whatever a recording holds, what is written is Python that means the same and holds it as data."""

import ast
import io
import json
import tokenize

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from loadlab.journeys.message import body_of, with_params
from loadlab.record import curl, har
from loadlab.record.python import Name, identifier, quoted, text_source
from support.har_files import as_json, entry, form, har_file, of_exchanges, written

HOSTILE = [
    '"',
    "'",
    '"""',
    "\\",
    "\n",
    "\r",
    "\x00",
    "\x1b",
    "\u202e",
    "\u2028",
    "\ud800",
    "{",
    "}",
    "#",
    "%",
    "${",
    "\U0001f600",
    "/",
    "=",
    "&",
    "x",
    "7",
    " ",
]
TEXT = st.text() | st.lists(st.sampled_from(HOSTILE), max_size=12).map("".join)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda each: st.lists(each, max_size=4) | st.dictionaries(TEXT, each, max_size=4),
    max_leaves=20,
)
PAIRS = st.dictionaries(TEXT, TEXT, max_size=3)
ENTRIES = st.builds(
    lambda method, path, status, sends, body, mime, replies, data: entry(
        method, f"/{path}", status=status, sends=sends, body=body, mime=mime, replies=replies, data=data
    ),
    st.sampled_from(["GET", "POST", "PUT", "HEAD"]),
    TEXT,
    st.sampled_from([0, 200, 201, 302, 404]),
    PAIRS,
    TEXT | JSON.map(json.dumps),
    st.sampled_from(["text/html", "application/json", "", '"""']),
    PAIRS | TEXT.map(lambda each: {"Location": f"/{each}"}) | TEXT.map(lambda each: {"Set-Cookie": each}),
    JSON.map(as_json)
    | TEXT.map(form)
    | st.fixed_dictionaries({"mimeType": TEXT, "text": TEXT})
    | st.builds(
        lambda name, value, file: {
            "mimeType": "multipart/form-data",
            "params": [{"name": name, "value": value, "fileName": file}],
        },
        TEXT,
        TEXT,
        st.none() | TEXT,
    ),
)


def is_python(text):
    """Tell that a text is Python without anything that acts on a terminal, and with no code but calls."""
    tree = ast.parse(text.encode())
    assert all(sign.isprintable() or sign == "\n" for sign in text)
    assert {type(node) for node in tree.body} <= {
        ast.Expr,
        ast.Import,
        ast.ImportFrom,
        ast.Assign,
        ast.AsyncFunctionDef,
    }
    [journey] = [node for node in tree.body if isinstance(node, ast.AsyncFunctionDef)]
    assert {type(node) for node in journey.body} <= {ast.Expr, ast.Assign}
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert {name.rpartition(".")[2] for name in called} <= {
        *("get", "post", "put", "request", "think"),
        *("field", "json", "str", "int", "float"),
    }
    list(tokenize.generate_tokens(io.StringIO(text).readline))
    return journey


@given(st.lists(ENTRIES, max_size=6), st.booleans())
def test_whatever_a_har_file_holds_what_is_written_is_python(entries, static):
    is_python(written(entry(), *entries, static=static).text)


@given(TEXT, TEXT)
def test_whatever_a_command_holds_what_is_written_is_python(name, value):
    import shlex

    words = ["curl", "h/x", "-d", f"a={value}", "-H", f"X-{name}: {value}", "-G"]
    is_python(of_exchanges(curl.exchanges(shlex.join(words), "RECORDING")).text)


@given(JSON)
def test_json_is_written_as_it_was(value):
    """Where nothing in it has the look of a credential, and it is not null."""
    body = as_json({"x": value})
    found = of_exchanges(har.exchanges(har_file(entry("POST", data=body)), "shop.har"))
    assume(not found.variables)
    [call] = [node for node in ast.walk(is_python(found.text)) if isinstance(node, ast.Call)]
    sent = {each.arg: ast.literal_eval(each.value) for each in call.keywords}
    got, _ = body_of(sent.get("data"), sent.get("json"), None, None)
    assert json.loads(got) == json.loads(body["text"])


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=["Cs"])),
            st.text(st.characters(exclude_categories=["Cs"])),
        )
    )
)
def test_parameters_are_sent_as_they_were(pairs):
    path = with_params("/x", pairs)
    found = written(entry(path=path))
    assume(not found.variables)
    [call] = [node for node in ast.walk(is_python(found.text)) if isinstance(node, ast.Call)]
    sent = {each.arg: ast.literal_eval(each.value) for each in call.keywords}
    assert with_params(ast.literal_eval(call.args[0]), sent.get("params", ())) == path


@given(TEXT)
def test_a_string_literal_is_its_text(text):
    assert ast.literal_eval(quoted(text)) == text
    assert quoted(text).isprintable()


@given(TEXT, TEXT)
def test_a_text_with_a_variable_between_is_both(before, after):
    source = text_source((before, Name("inner"), after))
    assert eval(source, {"inner": "{inner}"}) == f"{before}{{inner}}{after}"


@given(TEXT)
def test_any_text_gives_a_variable_that_python_takes(text):
    name = identifier(text, "value")
    exec(f"{name} = 1")


@pytest.mark.parametrize("depth", [30, 250, 3_000])
def test_json_that_python_could_not_read_as_source_is_a_text(depth):
    data = {"mimeType": "application/json", "text": "[" * depth + "]" * depth}
    is_python(written(entry("POST", data=data)).text)
