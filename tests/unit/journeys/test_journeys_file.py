"""A journeys file: what it declares, and what is said where it can't be used."""

import asyncio

import pytest

from loadlab.errors import UsageError
from loadlab.journeys.journeys_file import load

HEAD = "from loadlab.journeys import journey, setup, teardown\n"


@pytest.fixture
def loaded(tmp_path):
    def written(text):
        path = tmp_path / "shop.py"
        path.write_text(text)
        return load(str(path))

    return written


def test_journeys_are_found_with_their_weights_in_the_order_of_the_file(loaded):
    journeys = loaded(
        HEAD
        + "@journey(weight=3)\nasync def buy(user): ...\n"
        + "@journey\nasync def look(user): ...\nasync def help(user): ...\n"
    )
    assert list(journeys.acts) == ["buy", "look"]
    assert journeys.weights == (3, 1)
    assert len(journeys.sha256) == 64


def test_setup_and_teardown_are_found(loaded):
    journeys = loaded(
        HEAD
        + "@setup\nasync def a(user): ...\n@teardown()\nasync def b(user): ...\n"
        + "@journey\nasync def c(user): ...\n"
    )
    assert [act.__name__ for act in (*journeys.setups, *journeys.teardowns)] == ["a", "b"]


def test_a_marked_function_stays_an_ordinary_one(loaded):
    journeys = loaded(HEAD + "@journey\nasync def buy(user):\n    user.append(1)\n")
    seen = []
    asyncio.run(journeys.acts["buy"](seen))
    assert seen == [1]


def test_a_file_can_import_what_stands_beside_it(loaded, tmp_path):
    (tmp_path / "beside_shop.py").write_text("weight = 2.5\n")
    journeys = loaded(
        HEAD + "import beside_shop\n@journey(weight=beside_shop.weight)\nasync def a(user): ...\n"
    )
    assert journeys.weights == (2.5,)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("x = 1\n", "has no journey"),
        ("@journey\ndef buy(user): ...\n", "buy must be 'async def'"),
        ("@journey(weight=0)\nasync def buy(user): ...\n", "the weight 0 is not"),
        ("def broken(:\n", "line 2"),
        ("\nraise KeyError('x')\n", r"line 3: KeyError: 'x'"),
        ("import not_there_at_all\n", "line 2: ModuleNotFoundError"),
    ],
)
def test_a_file_that_can_not_be_used_is_named_with_its_line(loaded, text, what):
    with pytest.raises(UsageError, match=what):
        loaded(HEAD + text)


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(UsageError, match=r"--journeys: missing\.py: No such file"):
        load("missing.py")
