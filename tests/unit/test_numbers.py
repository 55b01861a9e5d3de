"""Only what people and protocols write is a number: Python's own `int` and `float` take more."""

import math
import os
import subprocess
import sys

import pytest

from loadlab import units
from loadlab.errors import UsageError
from loadlab.options.load import RunOptions, build_plan
from loadlab.tour import chosen
from loadlab.workload import think
from loadlab_target.delays import parse_delay
from loadlab_target.quantities import QuantityError, parse_whole

SLOPPY = [
    "1_0",
    "\N{ARABIC-INDIC DIGIT FOUR}",
    "\N{FULLWIDTH DIGIT FOUR}",
    "\N{SUPERSCRIPT TWO}",
    "4\N{NO-BREAK SPACE}5",
]


@pytest.fixture(params=SLOPPY, ids=ascii)
def sloppy(request):
    """A text that Python takes for a number, or that consists of digits, and that is not meant."""
    return request.param


def test_a_number_is_read_as_prometheus_writes_it():
    texts = ["0", "1.", ".5", "-1.5", "+2", "1.5e+06", "1E-3", "+Inf", "-inf", "NaN"]
    assert [units.number(text) for text in texts[:-1]] == [
        0,
        1,
        0.5,
        -1.5,
        2,
        1.5e6,
        1e-3,
        math.inf,
        -math.inf,
    ]
    assert math.isnan(units.number(texts[-1]))


@pytest.mark.parametrize("text", [*SLOPPY, "", ".", "e5", " 1", "1 ", "0x10", "infinity", "1e5_0", "9" * 41])
def test_everything_else_is_no_number(text):
    assert units.number(text) is None


@pytest.mark.parametrize("text", [*SLOPPY, "", "+1", "-1", "1.0", " 1", "9" * 19])
def test_a_whole_number_has_digits_alone(text):
    assert units.whole_number(text) is None


@pytest.mark.parametrize(
    "option",
    [
        "concurrency",
        "rate",
        "duration",
        "think",
        "max_errors",
        "seed",
        "expect_status",
        "processes",
        "timeout",
    ],
)
def test_no_option_takes_it(option, sloppy):
    text = f"{sloppy}%" if option == "max_errors" else sloppy
    with pytest.raises(UsageError, match=f"^--{option.replace('_', '-')}: "):
        build_plan(RunOptions(scenario="task", **{option: text}), "http://127.0.0.1/")


def test_no_sigma_is_that(sloppy):
    with pytest.raises(UsageError, match="the sigma"):
        think.read(f"lognormal:1s:{sloppy}", "--think")
    with pytest.raises(QuantityError, match="the sigma"):
        parse_delay(f"lognormal:1s:{sloppy}")


def test_no_step_of_the_tour_is_that(sloppy):
    with pytest.raises(UsageError):
        chosen(sloppy)


def test_no_whole_number_of_the_target_is_that(sloppy):
    with pytest.raises(QuantityError, match="give a whole number"):
        parse_whole(sloppy)


@pytest.mark.real
@pytest.mark.parametrize("variable", ["WORKERS", "THREADS", "TARGET_SEED", "TARGET_KEEP_ALIVE"])
def test_the_target_refuses_it_in_a_sentence(variable):
    done = subprocess.run(
        [sys.executable, "-m", "loadlab_target"],
        env=os.environ | {variable: "1_0"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "it is '1_0'; give a whole number" in done.stderr
