"""The page writes numbers as the terminal does and shows the same sentences, which are the result's."""

import io
import json

import msgspec
import pytest
from rich.console import Console

from loadlab.analysis.text import sentences
from loadlab.results.result import (
    Check,
    CheckOutcome,
    Counts,
    ErrorReason,
    Finding,
    Kind,
    State,
    Theory,
    Verdict,
)
from loadlab.terminal.table import render
from loadlab.units import format_number, show_ns
from loadlab.workload.plan import Stage
from loadlab.workload.traits import Workload
from support.browsing import import_of, module_says
from support.fakes import plan
from support.results import NOTHING, SENTENCE, limited_by_the_client
from support.results import result as a_result
from support.results import stage as a_stage

pytestmark = [pytest.mark.browser, pytest.mark.real]


def test_numbers_are_written_as_the_terminal_writes_them(page):
    page.open()
    values = [0, 0.004, 0.0994, 0.0996, 1, 9.994, 9.996, 12.34, 99.94, 99.96, 631.4, 1590, 117_856.2, None]
    assert module_says(page, f"arguments[0].map({import_of('units', 'figure')})", values) == [
        format_number(value) for value in values
    ]
    spans = [0, 17, 999, 1_000, 999_600, 2_500_000, 101_234_567, 1_270_000_000, 61e9, None]
    assert module_says(page, f"arguments[0].map({import_of('units', 'showSpan')})", spans) == [
        show_ns(value) for value in spans
    ]


def failing(name, stage, message):
    return Check(
        name=name, stage=stage, metric="it", operator="<=", limit=0, actual=1, unit="times",
        outcome=CheckOutcome.FAIL, message=message,
    )  # fmt: skip


def suspect(label, message):
    return a_stage(label=label, state=State.SUSPECT, findings=(Finding("loop_stall", message),))


def of_each_kind():
    """Return results that between them have every kind of sentence, by what is the matter with them."""
    measured = {"counts": Counts(scheduled=200, ok=200), "window_ns": 2_000_000_000}
    latency = msgspec.structs.replace(NOTHING, count=200, p50=20_000_000, p95=30_000_000, max=40_000_000)
    bound = Theory(service_ns=20e6, bound_hz=400.0, bound_ratio=0.25)
    unsure = msgspec.structs.replace(bound, bound_ratio=None, service_ns=30e6)
    timeouts = {
        "counts": Counts(scheduled=20, ok=15, timeout=5),
        "errors": (ErrorReason(kind="timeout", reason="no answer", count=5),),
    }
    lost = a_stage(label="8", state=State.INVALID, findings=(Finding("worker_lost", "worker 0 was killed"),))
    question = msgspec.structs.replace(
        failing("client_judged", None, "stage 1: unknown whether the client was the limit (too short)"),
        outcome=CheckOutcome.UNTESTABLE,
    )
    calibrated = msgspec.structs.replace(a_stage().client, ceiling_hz=1_000.0, ceiling_ratio=0.1)
    batch = {"workload": Workload.BATCH, "stages": (Stage(requests=200),), "duration_ns": None}
    return {
        "one stage": a_result(stages=(a_stage(theory=bound, latency_ns=latency, **measured),)),
        "many": a_result(
            plan=plan(stages=tuple(Stage(concurrency=users) for users in (1, 8, 32, 64))),
            stages=(
                a_stage(theory=bound, latency_ns=latency, client=calibrated, **measured),
                a_stage(label="8", theory=unsure, latency_ns=latency, **measured),
                suspect("32", "it stalled for 1 s"),
                suspect("64", "it stalled for 2 s"),
            ),
        ),
        "batch": a_result(
            plan=plan(**batch), stages=(a_stage(theory=bound, latency_ns=latency, **measured),)
        ),
        "client-limited": limited_by_the_client("limited"),
        "failed": a_result(
            verdict=Verdict.FAIL,
            checks=(failing("errors", "1", "25 % of 20 requests failed"),),
            stages=(a_stage(findings=(Finding("errors", "25 % of 20 requests failed"),), **timeouts),),
        ),
        "stopped": a_result(verdict=Verdict.STOPPED, interrupted=True, ceilings_unused="another environment"),
        "lost": a_result(
            plan=plan(stages=(Stage(concurrency=1), Stage(concurrency=8))),
            verdict=Verdict.INVALID,
            target_lost="refused",
            checks=(
                failing("target", None, "the target was lost: refused"),
                failing("workers", None, "a client worker was lost"),
                failing("lag", "1", "lag of 1"),
                failing("lag", "8", "lag of 8"),
                failing("open_files", "8", "open_files of 8"),
            ),
            stages=(a_stage(), lost),
        ),
        "undecided": a_result(checks=(question,)),
        "our error": a_result(verdict=Verdict.INVALID, failure="Traceback"),
    }


def in_the_terminal(of):
    """Return every line except the table's own, in order."""
    out = io.StringIO()
    Console(file=out, width=10_000, force_terminal=False).print(render(of))
    title, *shown = [line.strip() for line in out.getvalue().splitlines() if line.strip()]
    assert of.plan.scenario in title
    rule = next(at for at, line in enumerate(shown) if set(line) <= {"─"})
    return shown[rule + 1 + len(of.stages) :]


def on_the_page(page):
    """Return the sentences with the page's figures, with the verdict and its summary as one."""
    found = "[...document.querySelectorAll('#verdict .sentence, #verdict li, #table .hint')]"
    return page.js(f"{found}.map((each) => each.textContent)")


def test_page_and_terminal_say_the_same_sentences(page, agent):
    for number, (what, of) in enumerate(of_each_kind().items()):
        run_id = f"20261102-10{number:02}00-task-aaaa"
        agent.keep(msgspec.structs.replace(of, run_id=run_id))
        page.open(f"#run={run_id}")
        page.wait_text("#permalink", run_id)
        verdict = sentences(of.text, Kind.VERDICT, Kind.SUMMARY)
        others = [each.sentence for each in of.text if each.sentence not in verdict]
        expected = sorted([" ".join(verdict), *others])
        assert sorted(on_the_page(page)) == expected, what
        assert sorted(" ".join(line.split()) for line in in_the_terminal(of)) == expected, what


def test_a_result_of_an_earlier_version_has_its_text_on_the_page(page, agent):
    run_id = "20261102-120000-task-aaaa"
    of = limited_by_the_client(run_id)
    agent.keep(msgspec.structs.replace(of, schema_version=1, text=()))
    page.open(f"#run={run_id}")
    page.wait_text("#phase", "INVALID")
    assert page.text("#verdict .why") == f"stage 8: {SENTENCE}"
    assert json.loads((agent.out / run_id / "result.json").read_text())["text"] == [], (
        "the file stays as it is"
    )
