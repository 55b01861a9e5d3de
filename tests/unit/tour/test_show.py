"""The tour as text: 80 columns, no control codes where there is no terminal, and honest about distances."""

import io

import pytest
from rich.console import Console

from loadlab.clock import NS_PER_MS
from loadlab.tour import NAMES
from loadlab.tour.events import Began, Closed, Measured, Predicted, Prediction, Row, StepBegan, StepEnded
from loadlab.tour.show import render
from loadlab.tour.timeline import Cost, Part, Span


def shown(event, *, terminal=False):
    file = io.StringIO()
    Console(
        file=file, width=80, force_terminal=terminal, color_system="standard" if terminal else None
    ).print(render(event))
    return file.getvalue()


def row(ratio, *, label="task", is_least=False, predicted_ns=200 * NS_PER_MS):
    return Row(
        number=3,
        label=label,
        prediction=Prediction(predicted_ns, "1 × 200 ms", is_least=is_least),
        measured_ns=round(200 * NS_PER_MS * ratio),
    )


BEGAN = StepBegan(
    number=3,
    title="Five `tasks`",
    idea="One *term* and `code`. Two.",
    file="examples/tour/03_task.py",
    code="def main() -> None:\n    return\n",
)
EACH = Prediction(250 * NS_PER_MS, "1 × 250 ms")


def test_the_overview_lists_every_step_and_says_how_to_read_a_bar():
    text = shown(Began(250 * NS_PER_MS, "examples/tour"))
    assert [
        line.split()[1] for line in text.splitlines() if line[:4].strip().isdecimal() and "├" not in line
    ] == list(NAMES)
    assert "├────────┤" in text
    assert "waits 250 ms" in " ".join(text.split())
    assert "examples/tour" in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_step_shows_number_title_idea_file_and_code():
    text = shown(BEGAN)
    assert "3  Five tasks" in text
    assert "One term and code. Two." in text
    assert "examples/tour/03_task.py\n    def main() -> None:\n        return\n" in text


def test_a_term_stands_out_in_a_terminal():
    assert "\x1b[1mterm\x1b[0m" in shown(BEGAN, terminal=True)


def test_nothing_is_padded_or_coloured_in_a_pipe():
    for event in (BEGAN, StepEnded("That."), Predicted("", ("",), (EACH,))):
        text = shown(event)
        assert "\x1b" not in text
        assert all(line == line.rstrip() for line in text.splitlines())


def test_a_terminal_gets_only_colours_that_read_on_white_and_on_black():
    text = shown(BEGAN, terminal=True)
    codes = {code for part in text.split("\x1b[")[1:] for code in part.split("m")[0].split(";")}
    assert codes & {"35"}
    assert not codes & {"30", "37", "40", "47", "97", "90"}


@pytest.mark.parametrize(
    ("event", "lines"),
    [
        (Predicted("", ("",), (EACH,)), ["250 ms (1 × 250 ms)"]),
        (Predicted("gunicorn", ("",), (EACH,)), ["gunicorn: 250 ms (1 × 250 ms)"]),
        (Predicted("", ("one", "two"), (EACH, EACH)), ["each: 250 ms (1 × 250 ms)"]),
        (
            Predicted(
                "",
                ("pool", "work"),
                (Prediction(1e9, "4 × 250 ms, and more", is_least=True), Prediction(None, "?")),
            ),
            ["pool: at least 1.00 s (4 × 250 ms, and more)", "work: ?"],
        ),
    ],
)
def test_a_prediction_says_what_it_is_made_of(event, lines):
    assert shown(event).split("\n")[1:-1] == [f"Prediction: {line}" for line in lines]


def test_what_was_measured_is_drawn_above_its_cost_time():
    part = Part(Cost(0.5), (Span("1", 0.0, 0.5),))
    bar, axis, cost = shown(Measured((part,), ())).splitlines()
    assert bar.startswith("    1 ├──")
    assert axis.split() == ["0", "250", "ms", "500", "ms"]
    assert cost == "Cost time:  500 ms"


def test_the_cost_time_of_each_part_has_its_name():
    parts = tuple(Part(Cost(seconds, name), ()) for seconds, name in ((0.5, "one"), (0.25, "two")))
    assert shown(Measured(parts, ())).splitlines()[-1] == "Cost time:  500 ms one, 250 ms two"


def test_the_closing_table_has_prediction_and_cost_time_of_every_program():
    text = shown(Closed((row(1.0), row(1.5, label="pool-map", is_least=True)), 30_000 * NS_PER_MS))
    head, *_ = (line for line in text.splitlines() if "program" in line)
    assert head.split() == ["step", "program", "prediction", "Cost", "time"]
    assert [line.split() for line in text.splitlines() if "200 ms" in line] == [
        ["3", "task", "200", "ms", "200", "ms"],
        ["3", "pool-map", "≥", "200", "ms", "300", "ms"],
    ]
    assert "The tour took 30.0 s." in text
    assert "further" not in text
    assert max(len(line) for line in text.splitlines()) <= 80


@pytest.mark.parametrize(
    ("measured", "is_far"),
    [
        (row(1.2), False),
        (row(0.8), False),
        (row(1.3), True),
        (row(0.7), True),
        (row(3.0, is_least=True), False),
        (row(0.7, is_least=True), True),
        (row(3.0, predicted_ns=None), False),
    ],
)
def test_a_measurement_far_from_its_prediction_is_said_to_be_so(measured, is_far):
    assert ("More than a quarter away from the prediction: task." in shown(Closed((measured,), 1))) == is_far


def test_the_further_steps_are_named_where_they_were_left_out():
    assert "4 further steps: loadlab tour --further" in shown(Closed((row(1.0),), 1, is_more=True))
