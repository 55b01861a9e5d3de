"""Every step has its program, explains its terms at their first use, and predicts by plain arithmetic."""

import ast
import os
import re

import pytest

from loadlab.clock import NS_PER_MS
from loadlab.errors import UsageError
from loadlab.tour import BASIC, FURTHER, NAMES, chosen
from loadlab.tour.example import FOLDER, file_of, shown_path, source
from loadlab.tour.steps import STEPS, rounds
from support.readme import ROOT

NUMBERS = range(1, len(NAMES) + 1)
TERMS = (
    "threads",
    "blocking call",
    "coroutine",
    "event loop",
    "`await`",
    "session",
    "task",
    "cancels",
    "future",
    "callback",
    "thread pool",
    "global lock",
    "gunicorn",
    "queue",
    "core",
    "process",
    "pool",
    "p90",
    "coordinated omission",
)
"""Each is explained once, in this order."""
MARK = re.compile(r"\*([^*]+)\*")
SINGULAR = {"threads": "thread", "cancels": "cancel", "`await`": "await"}


def texts():
    return [f"{STEPS[name].idea} {STEPS[name].remember}" for name in NAMES]


def test_the_tour_has_this_order():
    assert BASIC == ("blocking", "coroutine", "task", "blocked-loop", "states", "callback", "threads")
    assert FURTHER == ("pressure", "cpu", "pool-map", "omission")
    assert tuple(STEPS) == NAMES


def test_the_files_have_the_numbers_of_their_steps_and_a_server_before_them():
    files = sorted(path.name for path in FOLDER.glob("[0-9]*.py"))
    assert files == ["00_server.py", *(file_of(number).name for number in NUMBERS)]


def test_a_checkout_has_the_same_files_in_its_examples(monkeypatch):
    assert (ROOT / "examples" / "tour").samefile(FOLDER)
    monkeypatch.chdir(ROOT)
    assert shown_path(file_of(1)) == "examples/tour/01_blocking.py"


def test_elsewhere_a_file_is_shown_with_its_whole_path(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert shown_path(file_of(1)) == str(file_of(1))


def test_every_term_is_explained_once_and_in_the_order_of_the_tour():
    assert tuple(term for text in texts() for term in MARK.findall(text)) == TERMS


@pytest.mark.parametrize("term", TERMS)
def test_a_term_is_explained_where_it_is_first_used(term):
    """Titles and code stand above the sentence that explains them."""
    whole = " ".join(texts())
    word = SINGULAR.get(term, term)
    first = re.search(rf"(?<!\w){word}(e?s|led|ling)?(?!\w)", whole, re.IGNORECASE)
    assert any(mark.start() <= first.start() < mark.end() for mark in MARK.finditer(whole))


@pytest.mark.parametrize("name", NAMES)
def test_a_step_says_something_to_remember(name):
    one = STEPS[name]
    assert one.idea.endswith(".")
    assert one.remember.endswith(".")
    assert one.title
    assert not one.title.endswith(".")


@pytest.mark.parametrize("number", NUMBERS)
def test_what_is_shown_of_a_file_is_python_and_fits_80_columns(number):
    shown = source(file_of(number), STEPS[NAMES[number - 1]].shows)
    functions = [node.name for node in ast.parse(shown).body]
    assert functions == list(STEPS[NAMES[number - 1]].shows)
    assert max(len(line) for line in shown.splitlines()) <= 76
    assert '"""' not in shown


@pytest.mark.parametrize("number", NUMBERS)
def test_a_file_imports_nothing_of_the_lab(number):
    assert "loadlab" not in file_of(number).read_text()


def test_the_source_of_a_function_is_shown_without_its_docstring(tmp_path):
    file = tmp_path / "some.py"
    file.write_text(
        'def other():\n    pass\n\n\ndef one(text):\n    """Say it.\n\n    Loud.\n    """\n    print(text)\n'
    )
    assert source(file, ("one",)) == "def one(text):\n    print(text)"


def test_a_function_that_a_changed_file_has_no_more_is_named(tmp_path):
    file = tmp_path / "some.py"
    file.write_text("def other():\n    pass\n")
    with pytest.raises(UsageError, match=r"some\.py: it has no function main, which this step shows"):
        source(file, ("other", "main"))


@pytest.mark.parametrize(
    ("requests", "at_once", "expected_ms", "because"),
    [
        (5, 1, 1250, "5 × 250 ms"),
        (5, 5, 250, "1 × 250 ms"),
        (100, 8, 3250, "13 × 250 ms"),
        (96, 8, 3000, "12 × 250 ms"),
        (1, 1, 250, "1 × 250 ms"),
    ],
)
def test_a_prediction_counts_the_rounds(requests, at_once, expected_ms, because):
    prediction = rounds(250 * NS_PER_MS, requests, at_once)
    assert prediction.ns == expected_ms * NS_PER_MS
    assert prediction.because == because
    assert not prediction.is_least


def predicted_ms(name, delay_ms=100):
    predictions = [each for run in STEPS[name].runs for each in run.predict(delay_ms * NS_PER_MS)]
    return [None if each.ns is None else each.ns / NS_PER_MS for each in predictions]


def test_the_steps_predict_what_their_files_do(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert {name: predicted_ms(name) for name in NAMES} == {
        "blocking": [500],
        "coroutine": [500],
        "task": [100, 100, 100],
        "blocked-loop": [500, 100],
        "states": [100],
        "callback": [100],
        "threads": [100],
        "pressure": [1300, 100],
        "cpu": [None, None],
        "pool-map": [300, 100],
        "omission": [pytest.approx(1400 - 0.1 * 2200 * (1 - 100 * 0.005 / 4) + 5)],
    }


@pytest.mark.parametrize("name", NAMES)
def test_each_part_that_a_file_prints_has_a_prediction(name):
    for run in STEPS[name].runs:
        assert len(run.predict(1)) == len(run.names)


@pytest.mark.parametrize(
    ("text", "number"),
    [(None, None), ("1", 1), ("11", 11), ("task", 3), (" Pool-Map ", 10), ("omission", 11)],
)
def test_only_takes_a_number_or_a_name(text, number):
    assert chosen(text) == number


@pytest.mark.parametrize(
    ("text", "guess"),
    [("taks", "task"), ("preasure", "pressure"), ("poolmap", "pool-map"), ("0", None), ("12", None)],
)
def test_an_unknown_step_is_one_sentence_with_a_guess(text, guess):
    with pytest.raises(UsageError) as caught:
        chosen(text)
    sentence = str(caught.value)
    assert sentence.startswith(f"--only: there is no step {text!r}.")
    assert (f"Did you mean {guess}?" in sentence) if guess else ("Did you mean" not in sentence)
    assert "1 to 11 or blocking, coroutine" in sentence
