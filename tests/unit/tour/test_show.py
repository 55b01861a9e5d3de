"""The tour as text: 80 columns, no control codes where there is no terminal, and honest about distances."""

import io

import pytest
from rich.console import Console

from loadlab.clock import NS_PER_MS
from loadlab.tour.events import Closed, Measured, Predicted, Prediction, Row, StepBegan, StepEnded
from loadlab.tour.show import render


def shown(event, *, terminal=False):
    file = io.StringIO()
    Console(
        file=file, width=80, force_terminal=terminal, color_system="standard" if terminal else None
    ).print(render(event))
    return file.getvalue()


def row(ratio, *, errors=0, label="task, 5 requests"):
    return Row(
        number=5,
        label=label,
        predicted_ns=200 * NS_PER_MS,
        measured_ns=round(200 * NS_PER_MS * ratio),
        errors=errors,
    )


BEGAN = StepBegan(number=5, title="Five `tasks`", idea="One. Two.", code="def main() -> None:\n    return\n")


def test_a_step_shows_number_title_idea_and_code():
    text = shown(BEGAN)
    assert "5  Five tasks" in text
    assert "One. Two." in text
    assert "    def main() -> None:\n        return\n" in text


def test_nothing_is_padded_or_coloured_in_a_pipe():
    for event in (BEGAN, StepEnded("That."), Measured(row(1.0))):
        text = shown(event)
        assert "\x1b" not in text
        assert all(line == line.rstrip() for line in text.splitlines())


def test_a_terminal_gets_only_colours_that_read_on_white_and_on_black():
    text = shown(BEGAN, terminal=True)
    codes = {code for part in text.split("\x1b[")[1:] for code in part.split("m")[0].split(";")}
    assert codes & {"35"}
    assert not codes & {"30", "37", "40", "47", "97", "90"}


def test_a_prediction_says_what_it_is_made_of():
    text = shown(Predicted("task, 5 requests", Prediction(204 * NS_PER_MS, "1 × 204 ms")))
    assert "Prediction: 204 ms  task, 5 requests" in text
    assert "1 × 204 ms" in text


@pytest.mark.parametrize(
    ("ratio", "remark"),
    [
        (1.00, None),
        (1.09, None),
        (0.91, None),
        (1.12, "12% longer than predicted: more than 10 % away"),
        (0.80, "20% shorter than predicted: more than 10 % away"),
    ],
)
def test_a_measurement_far_from_its_prediction_is_said_to_be_so(ratio, remark):
    text = shown(Measured(row(ratio)))
    assert "Cost time:" in text
    assert (remark in text) if remark else ("away" not in text)


def test_errors_are_said():
    assert "3 of its requests did not end well" in shown(Measured(row(1.0, errors=3)))


def test_the_closing_table_has_scenario_prediction_cost_time_and_ratio():
    text = shown(Closed((row(1.0), row(1.5, label="pool, 100 requests")), 30_000 * NS_PER_MS))
    head, *_ = (line for line in text.splitlines() if "scenario" in line)
    assert head.split() == ["step", "scenario", "prediction", "Cost", "time", "ratio"]
    assert "task, 5 requests" in text
    assert "1.50" in text
    assert "1 of 2 measurements is more than 10 % away" in " ".join(text.split())
    assert "The tour took 30.0 s." in text
    assert max(len(line) for line in text.splitlines()) <= 80


def test_where_nothing_is_far_that_is_said_too():
    assert "Each of the 2 measurements is within 10 %" in shown(Closed((row(1.0), row(1.1)), 1))
    assert "The measurement is within 10 %" in shown(Closed((row(1.0),), 1))
