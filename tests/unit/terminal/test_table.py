"""The table in the terminal: a row says what its stage is worth, and nothing is wider than 80 columns."""

import io

import pytest
from rich.console import Console

from loadlab.results.result import (
    Check,
    CheckOutcome,
    Counts,
    Distribution,
    Finding,
    StageResult,
    State,
    Theory,
    Verdict,
)
from loadlab.terminal.table import render
from loadlab.workload.plan import Stage
from loadlab.workload.traits import Workload
from support.fakes import plan
from support.results import result, stage

LATENCY = Distribution(
    count=9,
    mean=1.0,
    p50=123_456_789,
    p90=223_456_789,
    p95=823_456_789,
    p99=1_323_456_789,
    p999=None,
    max=9_876_543_210,
)
FULL = "one event loop is at 100% of a core: use SCENARIO=pool or --transport wire"


def failed(name, label, message):
    return Check(
        name=name,
        stage=label,
        metric="it",
        operator="<=",
        limit=0.9,
        actual=1.0,
        unit="cores",
        outcome=CheckOutcome.FAIL,
        message=message,
    )


def measured(label="128", **changed) -> StageResult:
    return stage(
        **{
            "label": label,
            "counts": Counts(scheduled=210_836, ok=210_836),
            "throughput_hz": 21_083.6,
            "in_flight_mean": 128.0,
            "latency_ns": LATENCY,
            "theory": Theory(service_ns=1e8, bound_hz=6_300.0, bound_ratio=0.33),
            **changed,
        }
    )


def lines(of):
    out = io.StringIO()
    Console(file=out, width=80).print(render(of))
    return out.getvalue().splitlines()


def row(of, label):
    (only,) = [line for line in lines(of) if line.split() and line.split()[0].strip("!?") == label]
    return only


def limited(label="128"):
    """A stage that the client could not carry, and the checks that say so."""
    finding = Finding("client_cpu", FULL)
    return measured(label, state=State.INVALID, findings=(finding,)), failed("client_cpu", label, FULL)


def test_a_valid_stage_has_no_mark():
    shown = row(result(stages=(measured(),)), "128")
    assert not {"!", "?"} & set(shown)
    assert "≥" not in shown
    assert shown.split()[-1] == "33%"


def test_what_the_client_limited_is_at_least_its_rate_and_no_share_of_what_the_target_can_do():
    made, check = limited()
    of = result(stages=(made,), checks=(check,), verdict=Verdict.INVALID)
    shown = row(of, "128")
    assert shown.split()[0] == "!128"
    assert "≥21,084" in shown
    assert "%" not in shown
    text = " ".join(lines(of))
    assert "limited by the client (! and ≥): the target can do at least this much" in text
    assert " ".join(lines(of)).count("use SCENARIO=pool or") == 1


def test_a_suspect_stage_is_marked_and_its_reason_stands_below():
    finding = Finding("little", "two accounts disagree")
    made = measured(state=State.SUSPECT, findings=(finding,))
    of = result(stages=(made,), checks=(failed("little", "128", "two accounts disagree"),))
    assert row(of, "128").split()[0] == "?128"
    text = "\n".join(lines(of))
    assert "stage 128?: two accounts disagree" in text
    assert text.count("two accounts disagree") == 1
    assert "PASS" in text


def test_notes_are_plain_the_legend_is_dim_and_only_the_verdict_has_a_colour():
    note = Finding("little", "two accounts disagree")
    made = measured(state=State.SUSPECT, findings=(note,))
    out = io.StringIO()
    console = Console(file=out, width=80, force_terminal=True, color_system="standard")
    console.print(render(result(stages=(made,))))
    shown = out.getvalue().splitlines()
    styled = {
        words: [line for line in shown if words in line] for words in ("two accounts", "see the note", "PASS")
    }
    assert styled["two accounts"] == ["stage 128?: two accounts disagree"]
    assert styled["see the note"] == ["\x1b[2msuspect (?): see the note above\x1b[0m"]
    assert styled["PASS"][0].startswith("\x1b[33mPASS with warnings\x1b[0m")


def swept(workload):
    made, check = limited("10000")
    shapes = {
        Workload.CLOSED: {},
        Workload.OPEN: {"stages": (Stage(rate_hz=20_000.0),)},
        Workload.BATCH: {"stages": (Stage(requests=10_000),), "duration_ns": None},
    }
    return result(
        plan=plan(workload=workload, **shapes[workload]),
        stages=(made, measured("1")),
        checks=(check,),
        verdict=Verdict.INVALID,
    )


@pytest.mark.parametrize("workload", list(Workload))
def test_the_table_fits_into_80_columns(workload):
    shown = lines(swept(workload))
    assert all(len(line) <= 80 for line in shown)
    assert not any("…" in line for line in shown)


# --- narrow terminals ---


def narrow(width, of=None):
    made, check = limited("10000")
    out = io.StringIO()
    shown = of or result(stages=(made, measured("1")), checks=(check,), verdict=Verdict.INVALID)
    Console(file=out, width=width).print(render(shown))
    return out.getvalue().splitlines()


def heads(width):
    """Return the columns that are left but the last, by the last word of each head."""
    (line,) = [line for line in narrow(width) if line.split()[:1] == ["users"]]
    return line.split()[:-1]


@pytest.mark.parametrize("width", [45, 50, 60, 66, 70, 76, 80])
def test_a_narrow_terminal_cuts_no_number_and_keeps_rate_errors_and_p99(width):
    shown = narrow(width)
    assert all(len(line) <= width for line in shown)
    assert not any("…" in line for line in shown)
    (figures,) = [line.split() for line in shown if line.split()[:1] == ["!10000"]]
    assert {"0", "≥21,084", "123", "1,323"} <= set(figures)


def test_columns_are_given_up_in_a_stated_order():
    everything = set(heads(100))
    gone = []
    for width in range(80, 44, -1):
        gone += sorted(everything - set(gone) - set(heads(width)))
    order = ["p90", "max", "flight", "bound", "requests", "p95"]
    assert gone == order[: len(gone)]
    assert len(gone) >= 3


@pytest.mark.parametrize("workload", list(Workload))
def test_80_columns_have_p50_p95_and_p99_of_large_figures(workload):
    of = swept(workload)
    (head,) = [line.split() for line in lines(of) if "p50" in line.split()]
    assert {"p50", "p95", "p99"} <= set(head)
    assert {"123", "823", "1,323"} <= set(row(of, "10000").split())


def test_figures_too_large_for_80_columns_give_up_a_column_and_not_a_digit():
    counts = Counts(scheduled=123_456_789, ok=1)
    shown = narrow(80, result(stages=(measured("1000000", counts=counts),)))
    (figures,) = [line.split() for line in shown if line.split()[:1] == ["1000000"]]
    assert {"123,456,789", "123,456,788", "21,084", "33%"} <= set(figures)
    assert all(len(line) <= 80 for line in shown)


def test_where_no_table_fits_rows_are_written_as_words_and_wrapped_between_them():
    shown = " ".join(narrow(24))
    assert "users !10000," in shown
    assert "rate ≥21,084," in shown
    assert "p99 1,323," in shown
