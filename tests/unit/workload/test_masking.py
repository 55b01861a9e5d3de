"""What must not be shown: by its place where that is known, by its value in what others write."""

import time
import types
import typing

import msgspec
import pytest

from loadlab.recording.reasons import on_one_line, shown
from loadlab.results import events
from loadlab.workload.masking import (
    MASK,
    PROSE,
    SECRET_HEADERS,
    SECRET_QUERY,
    Secrets,
    is_masked_url,
    is_secret_header,
    masked_header,
    masked_query,
    masked_url,
    query_secrets,
)

SECRET = "s3cr3t/val ue"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://host:8080/a?b=c", "http://host:8080/a?b=c"),
        ("http://user:pass@host/", "http://***@host/"),
        ("https://user@host", "https://***@host"),
        ("http://u:p@ss@host/", "http://***@host/"),
        ("http://u:p@[::1]:80/", "http://***@[::1]:80/"),
        ("http://[::1]:80/@me", "http://[::1]:80/@me"),
        ("http://host:8080/@me", "http://host:8080/@me"),
        ("http://user:pa/ss@host/", "http://***@host/"),
        ("http://user:pa?ss@host/", "http://***@host/"),
        ("http://user:pa#ss@host/", "http://***@host/"),
        ("://user:pass@host", "://***@host"),
        ("user:pass@host", "***@host"),
        ("htp:/user:pass@host", "***@host"),
        ("/path?token=abc&x=1", "/path?token=***&x=1"),
        ("http://host/?a=1&API_Key=abc;sig=d#f", "http://host/?a=1&API_Key=***#f"),
        ("http://host/?a=1;sig=d&x=1", "http://host/?a=1;sig=***&x=1"),
        ("/?token=a'b\"c<d>e;f?g h&x=1", "/?token=***&x=1"),
        ("/?own=a;b=c;d#token=e", "/?own=***#token=***"),
        ("http://host/?%74oken=abc", "http://host/?%74oken=***"),
        ("http://host/?own=abc", "http://host/?own=***"),
        ("http://host/?tokens=abc&token", "http://host/?tokens=abc&token"),
    ],
)
def test_a_url_is_shown_without_userinfo_and_secret_parameters(url, shown):
    assert masked_url(url, ["OWN"]) == shown
    assert masked_url(shown, ["own"]) == shown


@pytest.mark.parametrize(
    "text",
    ["a", "//", "/", "@", "a@", "//a", "?a", "?a=", "&token=", ":", "a:", "[", "a//@", "//a@b:"],
)
@pytest.mark.parametrize("end", ["", "@", "x//@host", "\n"])
def test_masking_takes_a_time_that_is_linear_in_the_length(text, end):
    long = text * (200_000 // len(text)) + end
    began_s = time.process_time()
    masked_url(long)
    Secrets(["hidden"]).masked(long)
    assert time.process_time() - began_s < 5


@pytest.mark.parametrize(
    "url", ["http://***@host/", "http://host/?token=***", "/?a=1;own=***", "/?token=***;sig=***"]
)
def test_what_is_masked_is_known_again(url):
    assert is_masked_url(url, ["own"])
    assert not is_masked_url(url.replace(MASK, "a"), ["own"])


@pytest.mark.parametrize("name", [*SECRET_HEADERS, "AUTHORIZATION", "Cookie", "x-OWN"])
def test_some_headers_are_secret_always_and_some_because_they_are_named(name):
    assert is_secret_header(name, ["X-Own"])
    assert masked_header(f"{name}: {SECRET}", ["X-Own"]) == f"{name}: ***"


def test_other_headers_are_shown():
    assert masked_header("Accept: text/html", ["X-Own"]) == "Accept: text/html"


def test_a_line_that_is_no_header_is_not_shown():
    assert masked_header(f"Bearer {SECRET}") == MASK


@pytest.mark.parametrize("name", SECRET_QUERY)
def test_some_parameters_are_secret_always(name):
    assert masked_query(f"/x?a=1&{name}={'v' * 8}&b=2") == f"/x?a=1&{name}=***&b=2"
    assert Secrets().masked(f"GET /x?a=1&{name}={'v' * 8} HTTP/1.1") == f"GET /x?a=1&{name}=*** HTTP/1.1"


@pytest.mark.parametrize("sign", "'\"<>;? ")
def test_of_a_parameter_that_was_sent_nothing_is_told(sign):
    url = f"http://host/?a=1&token=first{sign}second&b=2"
    values = query_secrets(url)
    assert f"first{sign}second" in values
    hidden = Secrets(values)
    assert hidden.masked(f"GET {url} HTTP/1.1") == "GET http://host/?a=1&token=***&b=2 HTTP/1.1"
    assert hidden.masked(f"it said first{sign}second!") == "it said ***!"
    assert hidden.masked("/?token=another'>home</a>") == "/?token=***'>home</a>"


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        "s3cr3t%2Fval%20ue",
        "s3cr3t%2fval%20ue",
        "s3cr3t/val%20ue",
        "s3cr3t%2Fval+ue",
        "s3cr3t/val+ue",
    ],
)
def test_a_value_is_found_however_it_is_written(written):
    assert Secrets([SECRET]).masked(f"it said {written}!") == "it said ***!"
    assert Secrets([written]).masked(f"it said {SECRET}!") == "it said ***!" or "+" in written


@pytest.mark.parametrize(
    "value", ["two  blanks", "a\ttab and\nlines", "\u200bunseen", "nö\x80 \xa0blank", "word  " * 400]
)
@pytest.mark.parametrize("written", [str, repr, lambda value: value.encode().decode("latin-1")])
def test_a_value_is_found_in_a_reason(value, written):
    """Reasons and redirects are brought to one line before anything is looked for in them."""
    said = Secrets([value]).masked(on_one_line(f"Error: <{written(value)}>"))
    assert said.translate({ord("'"): None, ord(" "): None}) == "Error:<***>"


def test_a_value_is_found_where_a_reason_was_cut_off():
    value = "some  words\tof a " + "secret " * 40
    assert Secrets([value]).masked(shown(f"Error: {value}")) == "Error: ***…"


def test_a_value_that_python_quotes_is_found():
    value = "a\\b'c\"d\te"
    assert Secrets([value]).masked(f"ValueError: {value!r}") in ("ValueError: '***'", 'ValueError: "***"')


@pytest.mark.parametrize("size", range(4, len(SECRET)))
def test_the_beginning_of_a_value_is_found_where_a_text_was_cut_off(size):
    assert Secrets([SECRET]).masked(f"it said {SECRET[:size]}…") == "it said ***…"


def test_a_mix_of_very_many_values_is_looked_through_at_once():
    hidden = Secrets(f"secret-{number:06}" for number in range(50_000))
    words = "a sentence of usual length about secret-049999 and secret-05000, and more of it"
    began_s = time.process_time()
    for _ in range(1000):
        assert hidden.masked(words) == words.replace("secret-049999", "***")
    assert time.process_time() - began_s < 60


def test_the_longest_of_several_values_is_masked_whole():
    assert Secrets(["abcd", "abcdefgh"]).masked("abcdefgh abcd") == "*** ***"


def test_values_that_ordinary_words_hold_are_left_alone():
    assert Secrets(["a", "", "abc"]).masked("abcd and a") == "abcd and a"


def test_userinfo_and_secret_parameters_are_found_in_any_text():
    text = "see //a:b@host/x and http://c:d@e@f/?token=1&x=2, (https://ok/@x)"
    assert Secrets().masked(text) == "see //***@host/x and http://***@f/?token=***&x=2, (https://ok/@x)"


def test_of_a_long_value_the_whole_and_its_encoded_beginning_are_found():
    long = "öl " * 5000
    hidden = Secrets([long])
    assert hidden.masked(f"<{long}>") == "<***>"
    assert hidden.masked("/?x=" + "%C3%B6l%20" * 9 + "…") == "/?x=***…"


def test_bytes_of_a_log_stay_as_they_are_but_for_the_values():
    assert Secrets(["hidden"]).masked_bytes(b"\xff\xfe hidden \x80") == b"\xff\xfe *** \x80"


class _Part(msgspec.Struct, frozen=True):
    name: str
    message: str
    parts: tuple["_Part", ...] = ()
    unknown: dict[str, str] = {}


def test_of_a_message_only_prose_is_masked_and_what_needs_none_is_the_same_object():
    clean = _Part("hidden", "fine")
    told = _Part("hidden", "so hidden", (clean, _Part("x", "hidden")), {"hidden": "hidden"})
    assert Secrets(["hidden"]).without(told) == _Part(
        "hidden", "so ***", (clean, _Part("x", "***")), {"hidden": "***"}
    )
    assert Secrets(["hidden"]).without(clean) is clean


OWN_TEXTS = {
    # what the lab itself writes, or what must stay as it is
    "Check": {"name", "stage", "metric", "operator", "unit"},
    "Finding": {"name"},
    "Sentence": {"about"},
    "NameResult": {"name", "statuses"},
    "JourneyResult": {"name"},
    "StageResult": {"label", "began_at", "statuses", "containers"},
    "Distribution": {"intervals"},
    "ErrorReason": {"kind"},
    "App": {"module", "revision"},
    "RunResult": {"run_id", "command", "label", "started_at", "finished_at", "ceilings_unused"},
    "RunBegan": {"run_id", "command", "label"},
    "Tick": {"phase"},
    "Histograms": {"latency", "service", "lag"},
    "Environment": {"versions", "event_loop", "cpu_model", "system"},
    "Tried": {"address"},
}


def structs(kind, seen):
    """Collect the struct types that a type holds."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind not in seen:
        seen.add(kind)
        for field in msgspec.structs.fields(kind):
            structs(field.type, seen)
    for part in typing.get_args(kind):
        structs(part, seen)
    return seen


def holds_text(kind):
    """Tell whether a value of this type is, or holds, any text."""
    if kind is str:
        return True
    return typing.get_origin(kind) in (tuple, list, dict, typing.Union, types.UnionType) and any(
        map(holds_text, typing.get_args(kind))
    )


def test_every_text_of_results_and_events_is_either_the_labs_own_or_prose():
    found = structs(events.Event, set())
    names = {kind.__name__ for kind in found}
    assert {"RunResult", "StageResult", "Check", "ErrorReason"} <= names
    for kind in found:
        if kind.__module__ in ("loadlab.workload.plan", "loadlab.workload.kept_plan"):
            continue  # masked by place
        for field in msgspec.structs.fields(kind):
            if holds_text(field.type):
                own = field.name in OWN_TEXTS.get(kind.__name__, set())
                assert own != (field.name in PROSE), (kind.__name__, field.name)
