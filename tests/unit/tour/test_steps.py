"""Every step has its parts, in the order of the tour, and its code fits the page."""

import ast
import pkgutil

import pytest

from loadlab.errors import UsageError
from loadlab.tour import NAMES, chosen, step, steps
from loadlab.tour.code import Listing, source

NUMBERS = range(1, len(NAMES) + 1)


def test_the_order_names_every_step_once():
    modules = {module.name.replace("_", "-") for module in pkgutil.iter_modules(steps.__path__)}
    assert set(NAMES) == modules
    assert len(NAMES) == len(modules)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_step_has_two_or_three_sentences_and_something_to_remember(number):
    one = step(number)
    assert 2 <= one.idea.count(". ") + one.idea.endswith(".") <= 3
    assert one.remember.endswith(".")
    assert one.title
    assert not one.title.endswith(".")


@pytest.mark.parametrize("number", NUMBERS)
def test_the_code_is_python_and_fits_80_columns(number):
    shown = Listing().of(step(number).code)
    ast.parse(shown)
    assert max(len(line) for line in shown.splitlines()) <= 76
    assert "noqa" not in shown
    assert '"""' not in shown


@pytest.mark.parametrize("number", NUMBERS)
def test_the_lines_that_matter_are_few(number):
    body = source(step(number).code[-1]).splitlines()[1:]
    assert len(body) <= 8


def test_a_function_is_shown_once_and_the_last_always():
    def helper():
        """Help."""
        return 1

    def first():
        return helper()

    def second():
        return helper()

    listing = Listing()
    assert "def helper" in listing.of((helper, first))
    assert listing.of((helper, second)).splitlines()[0] == "def second():"
    assert "Help" not in source(helper)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        (None, tuple(NUMBERS)),
        ("1", (1,)),
        ("11", (11,)),
        ("task", (5,)),
        (" Pool-Map ", (10,)),
        ("omission", (11,)),
    ],
)
def test_only_takes_a_number_or_a_name(text, numbers):
    assert chosen(text) == numbers


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
    assert "1 to 11 or blocking, states" in sentence
