"""What the lab says about a run: each thing once, with its stages, and what to do."""

import pytest
from msgspec import structs

from loadlab.analysis import judge_run
from loadlab.analysis.text import sentences, text_of_stages, with_text
from loadlab.results.result import (
    Check,
    CheckOutcome,
    Counts,
    ErrorReason,
    Finding,
    Kind,
    Sentence,
    State,
    Theory,
    Verdict,
)
from loadlab.targets import Gunicorn, GunicornConfig
from loadlab.workload.traits import Workload
from support.fakes import plan
from support.results import NOTHING, result, stage

FULL = "one event loop is at 100% of a core: use SCENARIO=pool or --transport wire"
LATENCY = structs.replace(NOTHING, count=400, p50=1_000, p90=1_000, p95=1_000, p99=1_000, max=1_000)
STOPPED = "stopped early, what was measured is kept"
LIMITED = "limited by the client (! and ≥): the target can do at least this much, how much more is unknown"


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


def measured(label="128", **changed):
    theory = Theory(service_ns=1e8, bound_hz=6_300.0, bound_ratio=0.33)
    return stage(
        **{
            "label": label, "counts": Counts(scheduled=400, ok=400), "latency_ns": LATENCY, "theory": theory,
            **changed,
        }
    )  # fmt: skip


def limited(label="128"):
    """A stage that the client could not carry, and the check that says so."""
    finding = Finding("client_cpu", FULL)
    return measured(label, state=State.INVALID, findings=(finding,)), failed("client_cpu", label, FULL)


def said(*kinds, **changed):
    """Return what is said about a result with these fields."""
    return sentences(result(**changed).text, *(kinds or Kind))


def of_kind(kind, *stages):
    return [each for each in result(stages=stages).text if each.kind is kind]


def test_a_run_has_one_verdict_and_says_how_much_was_measured():
    text = result(stages=(measured(window_ns=1_500_000_000),)).text
    assert sentences(text, Kind.VERDICT) == ["PASS"]
    assert sentences(text, Kind.SUMMARY) == ["1 of 1 stages, 1.5 s measured: no check failed"]


@pytest.mark.parametrize(
    ("verdict", "interrupted", "named", "means"),
    [
        (Verdict.PASS, False, "PASS with warnings", "see the stages marked ?"),
        (Verdict.FAIL, False, "FAIL", "a limit was not met"),
        (
            Verdict.INVALID,
            True,
            "INVALID",
            "do not use these numbers; stopped early, what was measured is kept",
        ),
        (Verdict.STOPPED, True, "STOPPED", "stopped early, what was measured is kept"),
        (Verdict.PASS, True, "STOPPED", "stopped early, what was measured is kept"),
    ],
    ids=["suspect", "failed", "invalid", "stopped", "stopped in schema 1"],
)
def test_a_verdict_says_what_it_means(verdict, interrupted, named, means):
    of = {"stages": (measured(state=State.SUSPECT),), "verdict": verdict, "interrupted": interrupted}
    assert said(Kind.VERDICT, **of) == [named]
    (summary,) = said(Kind.SUMMARY, **of)
    assert summary == f"1 of 1 stages, 1.0 s measured: {means}"


def test_a_run_that_is_invalid_for_the_clients_limit_alone_does_not_discard_its_other_stages():
    made, check = limited("64")
    lost = measured("8", state=State.INVALID, findings=(Finding("worker_lost", "it was killed"),))
    whole = failed("workers", None, "a client worker was lost")
    of = {"verdict": Verdict.INVALID, "checks": (check,), "stages": (measured("1"), made)}
    (summary,) = said(Kind.SUMMARY, **of)
    assert summary.endswith(": the client limited the stages marked !")
    for worse in ({"stages": (lost, made)}, {"checks": (check, whole)}, {"failure": "Traceback"}):
        (summary,) = said(Kind.SUMMARY, **of | worse)
        assert summary.endswith(": do not use these numbers")


def test_a_reason_that_holds_for_several_stages_is_told_once():
    made, check = limited("64")
    other, again = limited("128")
    text = result(stages=(made, other), checks=(check, again), verdict=Verdict.INVALID).text
    assert [each for each in text if FULL in each.sentence] == [
        Sentence(("64", "128"), Kind.REASON, f"stages 64, 128: {FULL}")
    ]


def test_the_same_finding_of_several_stages_is_told_once():
    made = [
        measured(label, state=State.SUSPECT, findings=(Finding("loop_stall", f"it stood still {label} s"),))
        for label in ("8", "32", "64")
    ]
    (note,) = of_kind(Kind.NOTE, *made)
    assert note.about == ("8", "32", "64")
    assert note.sentence == "stages 8?, 32?, 64? (numbers of stage 64): it stood still 64 s"


def test_statuses_are_told_where_they_are_not_one_2xx():
    def told(**statuses):
        return sentences(of_kind(Kind.NOTE, measured(statuses=statuses)), Kind.NOTE)

    assert told(**{"200": 20}) == told(**{"204": 20}) == []
    assert told(**{"302": 20}) == ["stage 128: 20 × status 302"]
    assert told(**{"200": 19, "304": 1}) == ["stage 128: 19 × status 200, 1 × status 304"]


def test_stages_that_failed_alike_share_a_sentence_and_no_others_do():
    late = ErrorReason(kind="timeout", reason="it was slow", count=2)
    gone = ErrorReason(kind="connect_error", reason="refused", count=3)
    timeouts = {"counts": Counts(scheduled=2, timeout=2), "statuses": {}, "errors": (late,)}
    refused = {"counts": Counts(scheduled=3, connect_error=3), "statuses": {}, "errors": (gone,)}
    made = (measured("1", **timeouts), measured("8", **timeouts), measured("32", **refused))
    assert [each.sentence for each in of_kind(Kind.NOTE, *made)] == [
        "stages 1, 8: 2 timeout; no answer at all",
        "stage 32: 3 connect error; no answer at all",
        "stages 1, 8: timeout: 2 × it was slow",
        "stage 32: connect error: 3 × refused",
    ]


def test_too_many_errors_are_the_reason_and_no_note_and_left_out_where_every_request_failed():
    error = failed("errors", "128", "50 % of 20 requests failed")
    of = {"stages": (measured(findings=(Finding("errors", error.message),)),), "verdict": Verdict.FAIL}
    assert [each for each in said(checks=(error,), **of) if "50 %" in each] == [f"stage 128: {error.message}"]
    nothing = failed("answered", None, "every request failed")
    assert said(Kind.REASON, checks=(nothing, error), **of) == ["every request failed"]


def test_a_lost_target_is_the_reason_and_not_what_its_loss_made_of_the_client():
    labels = ("8", "64")
    checks = tuple(
        failed(name, label, f"{name} of {label}")
        for name in ("client_cpu", "lag", "errors", "open_files")
        for label in labels
    )
    of = {
        "stages": tuple(measured(label, state=State.INVALID) for label in labels),
        "checks": (failed("target", None, "the target was lost"), *checks),
        "verdict": Verdict.INVALID,
    }
    told = [f"stage 8: {name} of 8" for name in ("client_cpu", "lag", "errors")]
    shortage = "stages 8, 64 (numbers of stage 64): open_files of 64"
    assert said(Kind.REASON, target_lost="refused", **of) == ["the target was lost", *told, shortage]
    assert any("client_cpu of 64" in each for each in said(Kind.REASON, **of)), "the target was there"


def test_an_error_of_the_labs_own_is_a_reason():
    (reason,) = said(Kind.REASON, failure="Traceback", verdict=Verdict.INVALID)
    assert "error.txt" in reason


def test_a_figure_that_is_unknown_has_its_reason_once():
    unknown = {"in_flight_mean": "too few samples", "throughput_hz": "all answers came late"}
    found = Finding("nothing_done", unknown["throughput_hz"])
    made = [measured(label, in_flight_mean=None, unknown=unknown, findings=(found,)) for label in ("8", "16")]
    text = text_of_stages(plan(), made)
    assert "stages 8, 16: in flight –: too few samples" in sentences(text, Kind.LEGEND)
    assert [each for each in sentences(text, *Kind) if "came late" in each] == [
        "stages 8, 16: all answers came late"
    ]


def test_a_pass_says_what_nothing_could_judge():
    sentence = "stage 128: unknown whether the client was the limit (too short)"
    open_question = structs.replace(failed("client_judged", None, sentence), outcome=CheckOutcome.UNTESTABLE)
    assert said(Kind.UNDECIDED, checks=(open_question,)) == [sentence]
    (summary,) = said(Kind.SUMMARY, checks=(open_question,))
    assert summary.endswith("no check failed, but see below")
    assert said(Kind.UNDECIDED, checks=(open_question,), verdict=Verdict.INVALID) == []


def test_each_mark_is_explained_once_with_its_stages():
    made, _ = limited("64")
    again, _ = limited("128")
    lost = measured("8", state=State.INVALID, findings=(Finding("worker_lost", "it was killed"),))
    states = of_kind(Kind.STATE, measured("1"), measured("2", state=State.SUSPECT), lost, made, again)
    assert [(each.about, each.sentence) for each in states] == [
        (("2",), "suspect (?): see the note above"),
        (("8",), "invalid (!): do not use these numbers; see the note above"),
        (("64", "128"), LIMITED),
    ]


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
        measured(str(number), theory=each and Theory(service_ns=each * 1e6, bound_hz=80.0, bound_ratio=1.0))
        for number, each in enumerate(ms, 1)
    )
    (legend,) = of_kind(Kind.LEGEND, *stages)
    assert legend.sentence.startswith("bound: min(N/S, workers × threads/S);")
    assert told in legend.sentence
    for label in legend.about:
        assert f"stage {label}" in legend.sentence


def test_the_formula_is_that_of_the_workload():
    thinking = text_of_stages(plan(think_ns=5), (measured(),))
    assert "min(N/(S + think time), " in sentences(thinking, Kind.LEGEND)[0]
    batch = text_of_stages(plan(workload=Workload.BATCH), (measured(),))
    assert sentences(batch, Kind.LEGEND)[0].startswith("predicted: ceil(N / min(k, workers × threads)) × S;")
    assert sentences(text_of_stages(plan(workload=Workload.OPEN), (measured(),)), Kind.LEGEND) == []


@pytest.mark.parametrize(("duration_ns", "advice"), [(1, "a longer --duration"), (None, "more --requests")])
def test_too_few_requests_for_a_percentile_have_advice_that_the_plan_can_follow(duration_ns, advice):
    few = measured(latency_ns=structs.replace(LATENCY, count=380, p99=None), theory=None)
    of = {"stages": (few,), "plan": plan(duration_ns=duration_ns)}
    assert said(Kind.LEGEND, **of) == [f"stage 128: latency –: too few requests; use {advice}"]


def test_a_percentile_that_requests_without_an_answer_could_change_says_so():
    for changed in ({"count": 381, "p99": None}, {"max": None}):
        unsure = measured(latency_ns=structs.replace(LATENCY, **changed), theory=None)
        assert said(Kind.LEGEND, stages=(unsure,)) == [
            "stage 128: latency –: requests without an answer could change it"
        ]
    assert said(Kind.LEGEND, stages=(measured(latency_ns=NOTHING, theory=None),)) == []


def test_a_share_of_the_bound_that_the_windows_ends_could_change_is_left_open_with_the_reason():
    unsure = Theory(service_ns=1e8, bound_hz=6_300.0, bound_ratio=None)
    reason = (
        "stage 8: % of bound –: too few requests besides those in flight at the window's ends; use a longer"
        " --duration"
    )
    assert reason in said(stages=(measured("8", theory=unsure), measured()))
    stall = Finding("loop_stall", "it stood still")
    stalled = measured(theory=unsure, state=State.SUSPECT, findings=(stall,))
    made, _ = limited()
    for other in (measured(), measured(theory=None), stalled, made):
        assert not any("% of bound –" in each for each in said(stages=(other,)))
    assert "client" in result(stages=(stalled,)).stages[0].unknown["bound_ratio"]


def calibrated(label, ratio, **changed):
    client = structs.replace(stage().client, ceiling_hz=5_300.0, ceiling_ratio=ratio, **changed)
    return measured(label, client=client, theory=None)


def test_the_stage_that_came_nearest_to_the_clients_ceiling_is_told_with_it():
    assert of_kind(Kind.LEGEND, calibrated("8", 0.02), calibrated("128", 0.34)) == [
        Sentence(
            ("128",),
            Kind.LEGEND,
            "stage 128: the client did 34% of what it can do at most with task on fake, 1 process (5,300/s,"
            " by loadlab calibrate)",
        )
    ]


def test_a_share_of_a_ceiling_that_is_a_lower_bound_is_at_most_that():
    (ceiling,) = said(Kind.LEGEND, stages=(calibrated("8", 0.34, ceiling_is_lower_bound=True),))
    assert "did at most 34% of" in ceiling
    assert "(≥ 5,300/s, by loadlab calibrate)" in ceiling


def test_a_share_that_is_next_to_nothing_is_not_nothing():
    (ceiling,) = said(Kind.LEGEND, stages=(calibrated("1", 0.002),))
    assert "did less than 1% of" in ceiling


def test_a_calibration_that_does_not_hold_here_is_told_once_with_the_reason():
    (sentence,) = said(
        Kind.LEGEND,
        stages=(measured(theory=None),),
        ceilings_unused="calibrated in another environment (cores)",
    )
    assert sentence == (
        "the client's calibration was not used: calibrated in another environment (cores); run loadlab"
        " calibrate again"
    )


def test_text_that_is_made_again_is_the_same():
    made, check = limited()
    of = result(stages=(made, measured("8")), checks=(check,), verdict=Verdict.INVALID)
    assert with_text(of) == of
    assert [each.client_limited for each in of.stages] == [True, False]


def test_the_verdict_is_the_one_name_that_lists_of_runs_show():
    for verdict in Verdict:
        for state in State:
            of = result(verdict=verdict, stages=(measured(state=state),))
            assert sentences(of.text, Kind.VERDICT) == [judge_run.headline_of(of)]


SERVED = Gunicorn(
    version="27.0.1", app="shop:app", workers=2, threads=8, worker_class="gthread", measured_by="worker",
    unseen=(), timeout_s=30, graceful_timeout_s=30, keepalive_s=2, max_requests=0, max_requests_jitter=0,
    preload_app=False,
)  # fmt: skip
CONFIG = GunicornConfig(
    file="gunicorn.conf.py", sha256="0" * 64, set_by_lab=("bind", "worker_class"), overridden={}
)


@pytest.mark.parametrize(
    ("served", "sentence"),
    [
        ({"config": CONFIG}, "target served by gunicorn.conf.py; the lab set bind and worker_class itself"),
        (
            {
                "config": structs.replace(CONFIG, set_by_lab=(), overridden={"threads": "--threads"}),
                "worker_class": "gevent",
                "unseen": ("queue",),
            },
            (
                "target served by gunicorn.conf.py; --threads overrode threads;"
                " unknown with worker_class gevent: queue"
            ),
        ),
    ],
)
def test_what_of_a_gunicorn_config_did_not_hold_is_one_sentence(served, sentence):
    told = result(gunicorn=structs.replace(SERVED, **served))
    assert sentence in sentences(told.text, Kind.NOTE)


def test_a_target_with_the_labs_own_settings_needs_no_such_sentence():
    assert sentences(result(gunicorn=SERVED).text, Kind.NOTE) == sentences(result().text, Kind.NOTE)
