"""A run as Prometheus sees it, from before it to after it."""

import numpy as np
import pytest

from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.fleet.live import Live
from loadlab.metrics import Metrics
from loadlab.recording.recorder import Recorder
from loadlab.recording.sample import Outcome, Sample
from loadlab.recording.tape import COLUMNS
from loadlab.recording.window import Window
from loadlab.results.events import Noted, RunBegan, RunEnded, StageBegan, StageEnded
from loadlab.results.result import Counts, Distribution, State, Theory
from loadlab.workload.plan import Stage
from loadlab.workload.traits import Workload
from support import fakes, results
from support.exposed import assert_agree, assert_never_falls, exposed

MS = NS_PER_MS
BEGIN_NS = 10 * NS_PER_S
RUN = "20261123-120000-task-0000"
LIVE = (
    "loadlab_in_flight",
    "loadlab_concurrency",
    "loadlab_offered_requests_per_second",
    "loadlab_achieved_requests_per_second",
    "loadlab_client_cpu_ratio",
    "loadlab_loop_stall_seconds",
)


def counted(*mix, window=None):
    """Record requests of a tenth of a second each, by their status or the outcome that they had instead."""
    rows = [
        Sample(BEGIN_NS, BEGIN_NS + MS, BEGIN_NS + 100 * MS, Outcome.OK if each < 400 else 1, each, 0)
        if each >= 100
        else Sample(BEGIN_NS, BEGIN_NS + MS, BEGIN_NS + 100 * MS, each, 0, 0)
        for each in mix
    ]
    made = Recorder(window or Window(BEGIN_NS, BEGIN_NS + NS_PER_S))
    made.sent = len(rows)
    made.fold(np.array(rows, dtype=np.int64).reshape(-1, COLUMNS))
    return made


def live(so_far, *, fresh=None, after_ns=500 * MS, **changed):
    values = {
        "counted": so_far,
        "fresh": fresh or so_far,
        "sent": so_far.sent,
        "finished": so_far.finished,
        "in_flight": 0,
        "busy": (0.5,),
        "loop_stall_max_ns": 0,
        "begin_ns": BEGIN_NS,
        "now_ns": BEGIN_NS + after_ns,
    }
    return Live(**values | changed)


def ended(so_far, **changed):
    """The result of a stage that counted this and no more."""
    by_outcome = {outcome.key: so_far.count(outcome) for outcome in Outcome}
    latency = Distribution(
        count=so_far.latency.count, mean=None, p50=None, p90=None, p99=None, p999=None, max=None
    )
    values = {
        "counts": Counts(scheduled=sum(by_outcome.values()), **by_outcome),
        "statuses": {str(status): times for status, times in so_far.statuses.items()},
        "sent_total": so_far.sent,
        "latency_ns": latency,
        "service_ns": latency,
        "lag_ns": Distribution(
            count=so_far.lag.count, mean=None, p50=None, p90=None, p99=None, p999=None, max=None
        ),
    }
    return results.stage(**values | changed)


def announced(plan=None):
    metrics = Metrics(fakes.FakeClock())
    metrics.begin(RUN, plan or fakes.plan())
    return metrics


def test_before_the_first_run_there_is_a_state_and_nothing_else():
    seen = exposed(Metrics())
    assert list(seen.families) == ["loadlab_run_state"]
    assert seen.state() == "idle"
    assert len(seen.matching("loadlab_run_state", run="")) == 4


def test_an_announced_run_has_every_series_at_zero():
    plan = fakes.plan(scenario="pool", processes=2)
    seen = exposed(announced(plan))
    run = {"run": RUN, "scenario": "pool", "transport": "fake", "workload": "closed"}
    assert all(run.items() <= dict(labels).items() for _, labels in seen.samples)
    no_sums = {"loadlab_run_state", "loadlab_run_began_timestamp_seconds"}
    assert not any(value for (name, _), value in seen.samples.items() if name not in no_sums)
    assert seen.state() == "idle"
    assert len(seen.matching("loadlab_client_cpu_ratio")) == 2
    for outcome in Outcome:
        assert seen.matching("loadlab_requests_total", outcome=outcome.key)


def test_a_run_that_nobody_announced_begins_with_its_first_event():
    metrics = Metrics()
    metrics.tell(RunBegan(RUN, results.environment(), fakes.plan()))
    assert exposed(metrics).value("loadlab_sent_requests_total", run=RUN) == 0


def test_its_first_event_changes_nothing_of_an_announced_run():
    metrics = announced()
    metrics.tell(StageBegan(0))
    metrics.observe(live(counted(200)))
    metrics.tell(RunBegan(RUN, results.environment(), fakes.plan()))
    assert exposed(metrics).total("loadlab_requests_total") == 1


def test_what_is_counted_shows_as_it_is_observed_and_is_the_results_at_the_end():
    metrics = announced()
    scrapes = [exposed(metrics)]
    metrics.tell(StageBegan(0))
    scrapes.append(exposed(metrics))
    so_far = counted(200, 200, 503)
    metrics.observe(live(so_far))
    so_far.merge(counted(200))  # what the supervisor merges later is no part of what was observed
    scrapes.append(exposed(metrics))
    assert scrapes[-1].total("loadlab_requests_total") == 3
    assert scrapes[-1].value("loadlab_requests_total", outcome="http_error", status_class="5xx") == 1
    assert scrapes[-1].value("loadlab_latency_seconds_bucket", le="0.15") == 3
    assert scrapes[-1].value("loadlab_latency_seconds_bucket", le="0.1") == 0
    assert scrapes[-1].value("loadlab_latency_seconds_sum") == pytest.approx(0.3)
    so_far.merge(counted(Outcome.TIMEOUT, Outcome.DROPPED))
    metrics.observe(live(so_far))
    scrapes.append(exposed(metrics))
    stage = ended(so_far)
    metrics.tell(StageEnded(0, stage))
    scrapes.append(exposed(metrics))
    metrics.tell(RunEnded(results.result(stages=(stage,))))
    scrapes.append(exposed(metrics))
    assert_never_falls(scrapes)
    for scrape in scrapes[-2:]:
        assert_agree(scrape, results.result(stages=(stage,)))


def test_stages_add_up_and_each_leaves_its_own_sample():
    plan = fakes.plan(stages=(Stage(concurrency=1), Stage(concurrency=8)))
    metrics = announced(plan)
    scrapes, stages = [], []
    for index, mix in enumerate([(200, 200), (200, 404, 404)]):
        metrics.tell(StageBegan(index))
        metrics.observe(live(counted(*mix)))
        scrapes.append(exposed(metrics))
        label = plan.stages[index].label
        stages.append(ended(counted(*mix), label=label, concurrency=int(label), throughput_hz=7.0 + index))
        metrics.tell(StageEnded(index, stages[-1]))
        scrapes.append(exposed(metrics))
    assert_never_falls(scrapes)
    assert_agree(scrapes[-1], results.result(stages=tuple(stages)))
    assert scrapes[-1].value("loadlab_stage_concurrency", stage=1, concurrency="8") == 8
    assert scrapes[-1].value("loadlab_stage_throughput_requests_per_second", concurrency="8") == 8.0


def test_what_a_lost_worker_took_with_it_is_counted_when_it_is_known():
    metrics = announced()
    metrics.tell(StageBegan(0))
    so_far = counted(200, 200)
    metrics.observe(live(so_far))
    before = exposed(metrics)
    counts = Counts(scheduled=9, ok=2, dropped=3, unfinished=4)
    stage = ended(so_far, counts=counts, state=State.INVALID)
    metrics.tell(StageEnded(0, stage))
    after = exposed(metrics)
    assert_never_falls([before, after])
    assert_agree(after, results.result(stages=(stage,)))
    assert after.value("loadlab_stage_invalid") == 1


@pytest.mark.parametrize("how", ["its last event", "no event at all"])
def test_of_a_run_that_fails_within_a_stage_what_was_seen_of_it_stays_and_counts_once(how):
    plan = fakes.plan(stages=(Stage(concurrency=1), Stage(concurrency=2)))
    metrics = announced(plan)
    metrics.tell(StageBegan(0))
    metrics.observe(live(counted(200)))
    metrics.tell(StageEnded(0, ended(counted(200))))
    metrics.tell(StageBegan(1))
    metrics.observe(live(counted(200, 200, 404)))
    if how == "its last event":
        metrics.tell(RunEnded(results.result(failure="Traceback")))
    metrics.end()
    seen = exposed(metrics)
    assert seen.total("loadlab_requests_total") == 4
    assert seen.value("loadlab_latency_seconds_count") == 4
    assert seen.state() == "idle"


def test_a_stage_that_was_over_before_anybody_looked_counts_all_the_same():
    metrics = announced()
    metrics.tell(StageBegan(0))
    stage = results.stage()
    metrics.tell(StageEnded(0, stage))
    assert exposed(metrics).value("loadlab_requests_total", outcome="ok", status_class="2xx") == 1


def test_the_next_run_takes_the_series_of_the_one_before_away():
    metrics = announced()
    metrics.tell(StageBegan(0))
    metrics.observe(live(counted(200)))
    metrics.tell(StageEnded(0, ended(counted(200))))
    metrics.begin("another", fakes.plan())
    seen = exposed(metrics)
    assert {dict(labels)["run"] for _, labels in seen.samples} == {"another"}
    assert not seen.total("loadlab_requests_total")
    assert not any("stage" in name for name in seen.families)


def test_when_a_run_began_and_a_stage_ended_stays_the_same_as_long_as_it_is_told():
    today = iter((1_700_000_000.25, 1_700_000_009.5, 1_700_000_020.0))
    metrics = Metrics(fakes.FakeClock(), wall_s=lambda: next(today))
    metrics.begin(RUN, fakes.plan(stages=(Stage(concurrency=1), Stage(concurrency=8))))
    for index in range(2):
        metrics.tell(StageBegan(index))
        assert len(exposed(metrics).matching("loadlab_stage_ended_timestamp_seconds")) == index
        metrics.tell(StageEnded(index, results.stage()))
    metrics.tell(RunEnded(results.result()))
    for seen in (exposed(metrics), exposed(metrics)):
        assert seen.value("loadlab_run_began_timestamp_seconds", run=RUN) == 1_700_000_000.25
        assert seen.value("loadlab_stage_ended_timestamp_seconds", stage=0) == 1_700_000_009.5
        assert seen.value("loadlab_stage_ended_timestamp_seconds", stage=1) == 1_700_000_020.0


def test_gauges_tell_the_running_stage_and_nothing_after_it():
    metrics = announced(fakes.plan(stages=(Stage(concurrency=8),)))
    metrics.tell(StageBegan(0))
    assert exposed(metrics).value("loadlab_concurrency") == 8
    so_far = counted(200)
    rates = {"sent_hz": 90.0, "finished_hz": 80.0}
    metrics.observe(live(so_far, in_flight=7, loop_stall_max_ns=3 * MS, **rates))
    seen = exposed(metrics)
    assert [seen.total(name) for name in LIVE] == [7, 8, 90, 80, 0.5, 0.003]
    metrics.tell(StageEnded(0, ended(so_far)))
    assert [exposed(metrics).total(name) for name in LIVE] == [0] * 6


def test_the_offered_rate_of_an_open_stage_is_its_schedules():
    stage = Stage(rate_hz=100.0, rate_to_hz=300.0)
    metrics = announced(fakes.plan(workload=Workload.OPEN, stages=(stage,)))
    metrics.tell(StageBegan(0))
    metrics.observe(live(counted(200), after_ns=500 * MS, sent_hz=1.0))
    seen = exposed(metrics)
    assert seen.value("loadlab_offered_requests_per_second") == pytest.approx(200)
    assert seen.value("loadlab_concurrency") == 0
    label = stage.label
    metrics.tell(StageEnded(0, ended(counted(200), label=label, rate_hz=100.0, rate_to_hz=300.0)))
    assert exposed(metrics).value("loadlab_stage_concurrency", concurrency="100:300") == 200


def test_a_batchs_concurrency_is_its_size():
    plan = fakes.plan(workload=Workload.BATCH, stages=(Stage(requests=64),), duration_ns=None)
    metrics = announced(plan)
    metrics.tell(StageBegan(0))
    assert exposed(metrics).value("loadlab_concurrency") == 64


def test_the_achieved_rate_is_of_responses_and_not_of_requests_that_came_to_nothing():
    metrics = announced()
    metrics.tell(StageBegan(0))
    half = counted(200, Outcome.CONNECT_ERROR)
    metrics.observe(live(half, finished_hz=1000.0))
    assert exposed(metrics).value("loadlab_achieved_requests_per_second") == 500
    none = counted(*[Outcome.CONNECT_ERROR] * 4)
    for _ in range(2):
        metrics.observe(live(half, fresh=none, finished_hz=1000.0))
    assert exposed(metrics).value("loadlab_achieved_requests_per_second") == 0


@pytest.mark.parametrize(
    ("after_ns", "state"),
    [(0, "warm-up"), (999 * MS, "warm-up"), (NS_PER_S, "measuring"), (2 * NS_PER_S, "draining")],
)
def test_the_state_follows_the_stage(after_ns, state):
    window = Window(BEGIN_NS + NS_PER_S, BEGIN_NS + 2 * NS_PER_S)
    metrics = announced(fakes.plan(warmup_ns=NS_PER_S))
    metrics.tell(StageBegan(0))
    assert exposed(metrics).state() == "idle", "its workers are being started"
    metrics.observe(live(Recorder(window), after_ns=after_ns))
    assert exposed(metrics).state() == state


def test_what_nobody_can_see_of_a_scenario_is_absent():
    plan = fakes.plan(scenario="pool-map", transport="aiohttp", workload=Workload.BATCH, processes=4)
    seen = exposed(announced(plan))
    assert "loadlab_in_flight" not in seen.families
    assert "loadlab_client_cpu_ratio" not in seen.families


def test_what_a_stage_cannot_tell_is_absent():
    metrics = announced()
    told = results.NOTHING
    stage = results.stage(counts=Counts(), statuses={}, in_flight_mean=None, latency_ns=told, sent_total=0)
    metrics.tell(StageBegan(0))
    metrics.tell(StageEnded(0, stage))
    seen = exposed(metrics)
    assert_agree(seen, results.result(stages=(stage,)))
    for name in ("error_ratio", "bound_ratio", "in_flight_mean", "latency_seconds"):
        assert f"loadlab_stage_{name}" not in seen.families


def test_quantiles_and_the_share_of_the_bound_are_the_results():
    metrics = announced()
    latency = Distribution(
        count=1, mean=1.0, p50=50 * MS, p90=90 * MS, p95=95 * MS, p99=99 * MS, p999=None, max=100 * MS
    )
    theory = Theory(service_ns=1.0, bound_hz=10.0, bound_ratio=0.97)
    metrics.tell(StageBegan(0))
    metrics.observe(live(counted(200)))
    stage = ended(counted(200), latency_ns=latency, theory=theory)
    metrics.tell(StageEnded(0, stage))
    assert_agree(exposed(metrics), results.result(stages=(stage,)))
    assert exposed(metrics).value("loadlab_stage_bound_ratio") == 0.97


def test_what_is_told_of_no_run_is_nothing():
    metrics = Metrics()
    for event in (StageBegan(0), StageEnded(0, results.stage()), RunEnded(results.result()), Noted("So.")):
        metrics.tell(event)
    metrics.observe(live(counted(200)))
    assert list(exposed(metrics).families) == ["loadlab_run_state"]


def test_a_run_that_is_over_has_its_verdict_by_the_name_that_terminal_and_page_give_it():
    metrics = announced()
    assert not exposed(metrics).matching("loadlab_run_verdict")
    suspect = results.result(stages=(results.stage(state=State.SUSPECT),))
    metrics.tell(RunEnded(suspect))
    assert exposed(metrics).value("loadlab_run_verdict", run=RUN, verdict="PASS with warnings") == 1
    metrics.begin("another", fakes.plan())
    assert not exposed(metrics).matching("loadlab_run_verdict")
