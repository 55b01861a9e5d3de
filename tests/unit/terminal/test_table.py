"""The table in the terminal: a row says what its stage is worth, and nothing is wider than 80 columns."""

import io

import pytest
from msgspec import structs
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
from loadlab.terminal.table import reasons, render
from loadlab.workload.plan import Stage, Workload
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
    assert "limited by the client: what the target can do is not known from it" in text
    assert " ".join(lines(of)).count("use SCENARIO=pool or") == 1


def test_a_reason_that_holds_for_several_stages_is_told_once():
    made, check = limited("64")
    other, again = limited("128")
    of = result(stages=(made, other), checks=(check, again), verdict=Verdict.INVALID)
    assert f"stages 64, 128: {FULL}" in " ".join(line.strip() for line in lines(of))


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
    assert styled["see the note"] == ["\x1b[2m?: suspect: see the note above\x1b[0m"]
    assert styled["PASS"][0].startswith("\x1b[33mPASS with warnings\x1b[0m")


def test_a_pass_with_a_suspect_stage_is_called_a_pass_with_warnings():
    suspect = measured(state=State.SUSPECT, findings=(Finding("little", "two accounts disagree"),))
    assert lines(result(stages=(suspect,)))[-1].startswith("PASS with warnings  ")
    assert lines(result(stages=(measured(),)))[-1].startswith("PASS  ")
    failing = result(stages=(suspect,), verdict=Verdict.FAIL)
    assert lines(failing)[-1].startswith("FAIL  ")


def test_a_run_that_was_stopped_is_called_so_in_a_result_of_schema_1_too():
    for verdict in (Verdict.STOPPED, Verdict.PASS):
        stopped = result(stages=(measured(state=State.SUSPECT),), verdict=verdict, interrupted=True)
        shown = next(line for line in lines(stopped) if line.startswith("STOPPED"))
        assert "stopped early, what was measured is kept" in shown


def test_the_same_finding_of_several_stages_is_told_once():
    made = [
        measured(label, state=State.SUSPECT, findings=(Finding("loop_stall", f"it stood still {label} s"),))
        for label in ("8", "32", "64")
    ]
    text = " ".join(line.strip() for line in lines(result(stages=tuple(made))))
    assert "stages 8?, 32?, 64? (numbers of stage 64): it stood still 64 s" in text
    assert text.count("it stood still") == 1


def test_statuses_are_told_where_they_are_not_one_2xx():
    def told(**statuses):
        return " ".join(lines(result(stages=(measured(statuses=statuses),))))

    assert "status" not in told(**{"200": 20})
    assert "status" not in told(**{"204": 20})
    assert "stage 128: 20 × status 302" in told(**{"302": 20})
    assert "stage 128: 19 × status 200, 1 × status 304" in told(**{"200": 19, "304": 1})


def test_too_many_errors_are_told_once_as_the_reason_and_not_beside_a_run_that_had_no_ok():
    error = failed("errors", "128", "50 % of 20 requests failed")
    made = measured(findings=(Finding("errors", error.message),))
    text = " ".join(lines(result(stages=(made,), checks=(error,), verdict=Verdict.FAIL)))
    assert text.count("50 % of 20 requests failed") == 1
    nothing = failed("answered", None, "every request failed")
    text = " ".join(lines(result(stages=(made,), checks=(nothing, error), verdict=Verdict.FAIL)))
    assert "every request failed" in text
    assert "50 %" not in text


def test_a_lost_target_is_the_reason_and_not_what_its_loss_made_of_the_client():
    labels = ("8", "64")
    checks = tuple(
        failed(name, label, f"{name} of {label}")
        for name in ("client_cpu", "lag", "errors", "open_files")
        for label in labels
    )
    lost = structs.replace(failed("target", None, "the target was lost"), metric="targets lost")
    of = result(
        stages=tuple(measured(label, state=State.INVALID) for label in labels),
        checks=(lost, *checks),
        verdict=Verdict.INVALID,
    )
    told = [f"stage 8: {name} of 8" for name in ("client_cpu", "lag", "errors")]
    shortage = "stages 8, 64 (numbers of stage 64): open_files of 64"
    gone = structs.replace(of, target_lost="Connection refused")
    assert reasons(gone) == ["the target was lost", *told, shortage]
    assert "client_cpu of 64" in "".join(reasons(of)), "of a target that was there each stage has its reasons"


def test_a_figure_that_cannot_be_told_is_a_dash_with_its_reason():
    unknown = {"in_flight_mean": "too few looks", "throughput_hz": "none of its answers came in time"}
    found = Finding("nothing_done", unknown["throughput_hz"])
    made = [measured(label, in_flight_mean=None, unknown=unknown, findings=(found,)) for label in ("8", "16")]
    of = result(stages=tuple(made))
    assert row(of, "8").split()[3:5] == ["–", "–"]
    text = " ".join(line.strip() for line in lines(of))
    assert "stages 8, 16: in flight –: too few looks" in text
    assert text.count("none of its answers came in time") == 1


def test_a_pass_says_what_nothing_could_tell():
    untold = structs.replace(
        failed(
            "client_judged",
            None,
            "stage 128: nothing could tell whether the client was the limit (too short)",
        ),
        outcome=CheckOutcome.UNTESTABLE,
    )
    shown = lines(result(stages=(measured(),), checks=(untold,)))
    assert "PASS" in shown[-2]
    assert shown[-1].strip() == untold.message
    of_another = result(stages=(measured(),), checks=(untold,), verdict=Verdict.INVALID)
    assert "nothing could tell" not in " ".join(lines(of_another))


def test_a_stage_that_lost_a_worker_is_marked_but_not_called_limited_by_the_client():
    made = measured(state=State.INVALID, findings=(Finding("worker_lost", "it was killed"),))
    of = result(stages=(made,), verdict=Verdict.INVALID)
    assert row(of, "128").split()[0] == "!128"
    assert "limited by the client" not in "\n".join(lines(of))


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


def calibrated(label, ratio, **changed):
    client = structs.replace(stage().client, ceiling_hz=5_300.0, ceiling_ratio=ratio, **changed)
    return measured(label, client=client)


def shown_of(**changed):
    return " ".join(" ".join(lines(result(**changed))).split())


@pytest.mark.parametrize(
    ("ms", "told"),
    [
        ((None, 100, 109), "a thread: 100 ms in stage 2, measured"),
        ((100, 130, 120), "a thread: 100 ms in stage 1, 130 ms in stage 2, measured"),
        ((130, 120, 100), "a thread: 100 ms in stage 3, 130 ms in stage 1, measured"),
    ],
)
def test_the_bound_says_how_long_a_thread_is_occupied_and_in_which_stages_where_that_differs(ms, told):
    stages = tuple(
        measured(str(number), theory=each and Theory(service_ns=each * 1e6, bound_hz=80.0))
        for number, each in enumerate(ms, 1)
    )
    assert told in shown_of(stages=stages)


@pytest.mark.parametrize(
    ("workload", "advice"),
    [
        (Workload.CLOSED, "–: too few requests to tell; a longer --duration, or more --requests, can"),
        (Workload.BATCH, "–: too few requests to tell; more --requests can"),
    ],
)
def test_who_has_too_few_requests_is_told_what_the_workload_can_do_about_it(workload, advice):
    few = measured(latency_ns=structs.replace(LATENCY, p99=None))
    assert advice in shown_of(stages=(few,), plan=plan(workload=workload))


def test_a_share_of_the_bound_that_the_windows_ends_could_move_is_left_open_with_the_reason():
    unsure = Theory(service_ns=1e8, bound_hz=6_300.0, bound_ratio=None)
    assert row(result(stages=(measured(theory=unsure),)), "128").split()[-1] == "–"
    reason = "of it –: too few requests beside those in flight at the ends of the window; a longer"
    assert reason in shown_of(stages=(measured("8"), measured(theory=unsure)))
    assert "of it –" not in shown_of(stages=(measured(), measured(theory=None)))
    made, check = limited()
    made = structs.replace(made, theory=unsure)
    assert "of it –" not in shown_of(stages=(made,), checks=(check,), verdict=Verdict.INVALID)
    stall = Finding("loop_stall", "it stood still")
    stalled = measured(theory=unsure, state=State.SUSPECT, findings=(stall,))
    assert "of it –" not in shown_of(stages=(stalled,))


def test_the_stage_that_came_nearest_to_the_clients_ceiling_is_told_with_it():
    text = shown_of(stages=(calibrated("8", 0.02), calibrated("128", 0.34)))
    assert (
        "stage 128: client came to 34% of this machine's ceiling for task on fake, 1 process"
        " (5,300/s; loadlab calibrate)"
    ) in text
    assert text.count("ceiling") == 1


def test_a_share_of_a_ceiling_that_is_a_lower_bound_is_at_most_that():
    text = shown_of(stages=(calibrated("8", 0.34, ceiling_is_lower_bound=True),))
    assert "came to at most 34% of" in text
    assert "(≥ 5,300/s; loadlab calibrate)" in text


def test_a_share_that_is_next_to_nothing_is_not_nothing():
    assert "came to less than 1% of" in shown_of(stages=(calibrated("1", 0.002),))


def test_without_a_calibration_nothing_is_said_of_a_ceiling():
    assert "ceiling" not in shown_of(stages=(measured(),))


def test_a_calibration_that_does_not_hold_here_is_told_once_with_the_reason():
    text = shown_of(ceilings_unused="calibrated in another environment (usable cores 2, now 4)")
    assert text.count("another environment (usable cores 2, now 4); calibrate again") == 1


# --- narrow terminals ---


def narrow(width, of=None):
    made, check = limited("10000")
    out = io.StringIO()
    shown = of or result(stages=(made, measured("1")), checks=(check,), verdict=Verdict.INVALID)
    Console(file=out, width=width).print(render(shown))
    return out.getvalue().splitlines()


def heads(width):
    """Return the columns that are left, by the last word of each head."""
    (line,) = [line for line in narrow(width) if line.split()[:1] == ["users"]]
    return line.split()


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
