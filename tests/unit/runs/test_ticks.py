"""What a stage reports twice a second: phase, rate, the last second's quantiles, the target's threads."""

import asyncio
from contextlib import suppress

import numpy as np
import pytest

from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.fleet.live import Live
from loadlab.recording.histogram import Histogram
from loadlab.recording.recorder import Recorder
from loadlab.recording.sample import Outcome
from loadlab.recording.window import Window
from loadlab.runs.ticks import Ticks, offered_hz, phase
from loadlab.targets.target_metrics import Reading
from loadlab.workload.plan import Stage
from loadlab.workload.traits import Workload
from support.fakes import START_NS, FakeClock, plan, run

WINDOW = Window(START_NS + 1 * NS_PER_S, START_NS + 5 * NS_PER_S)
USERS = Stage(concurrency=8)
PLAN = plan(warmup_ns=1 * NS_PER_S, duration_ns=4 * NS_PER_S, stages=(USERS,))


def of(latencies_ms=(), *, waited_ms=(), answered=0):
    """Return what was counted in a second: latencies of replies, and how long was waited for none."""
    latency, late = Histogram(), Histogram()
    latency.record(np.array(latencies_ms, dtype=np.int64) * NS_PER_MS)
    late.record(np.array(waited_ms, dtype=np.int64) * NS_PER_MS)
    return Recorder(WINDOW, latency=latency, late=late, answered=answered)


def live(
    at_s,
    *,
    window=WINDOW,
    fresh=None,
    counted=None,
    sent=0,
    finished=0,
    in_flight=0,
    busy=(),
    finished_hz=0.0,
):
    return Live(
        counted=counted or Recorder(window),
        fresh=fresh or of(),
        sent=sent,
        finished=finished,
        in_flight=in_flight,
        busy=busy,
        loop_stall_max_ns=0,
        begin_ns=START_NS,
        now_ns=START_NS + round(at_s * NS_PER_S),
        finished_hz=finished_hz,
    )


def ticks(*, of_plan=PLAN, metrics_url=None):
    return Ticks(3, of_plan, of_plan.stages[0], metrics_url)


@pytest.mark.parametrize(
    ("at_s", "named"),
    [(0.0, "warm-up"), (0.99, "warm-up"), (1, "measuring"), (4.9, "measuring"), (5, "draining")],
)
def test_a_stage_warms_up_measures_and_drains(at_s, named):
    assert phase(live(at_s)) == named


def test_a_stage_that_a_number_of_requests_ends_does_not_drain_by_the_clock():
    assert phase(live(100, window=Window(START_NS + NS_PER_S))) == "measuring"


def test_the_fraction_is_of_warm_up_and_window_and_never_more_than_1():
    told = ticks()
    assert [told.tick(live(at_s)).fraction for at_s in (1, 2.5, 5, 9)] == [0.2, 0.5, 1.0, 1.0]


def test_the_fraction_of_a_batch_is_of_its_requests():
    batch = plan(workload=Workload.BATCH, stages=(Stage(requests=10),), duration_ns=None)
    told = ticks(of_plan=batch)
    assert [told.tick(live(1, finished=count)).fraction for count in (0, 5, 10)] == [0.0, 0.5, 1.0]


def test_the_rate_is_of_the_last_seconds_responses_and_not_of_requests_that_came_to_nothing():
    told = ticks()
    assert told.tick(live(0.5, finished_hz=100.0)).rate_hz == 100
    half = Recorder(WINDOW, finished=50, answered=25)
    assert told.tick(live(1.0, fresh=half, finished_hz=100.0)).rate_hz == 50
    none = Recorder(WINDOW, finished=50)
    rates = [told.tick(live(at_s, fresh=none, finished_hz=100.0)).rate_hz for at_s in (1.5, 2.0)]
    assert rates == [25, 0]


def failing(count, *, finished):
    """Return what was counted in a second in which so many of the finished requests timed out."""
    counted = Recorder(WINDOW, finished=finished)
    counted.counts[Outcome.TIMEOUT], counted.counts[Outcome.OK] = count, finished - count
    return counted


def test_errors_at_a_steady_rate_have_a_steady_rate_although_workers_report_once_a_second():
    told = ticks()
    fresh = [failing(10, finished=100), None] * 4
    rates = [
        told.tick(live(at / 2, fresh=each, finished_hz=100.0)).errors_hz for at, each in enumerate(fresh, 3)
    ]
    assert rates == [10] * len(fresh)


def test_a_report_that_is_late_is_no_second_without_errors():
    told = ticks()
    fresh = [failing(10, finished=100), None, None, None, failing(20, finished=200)]
    rates = [told.tick(live(at, fresh=each, finished_hz=100.0)).errors_hz for at, each in enumerate(fresh, 2)]
    assert rates == [10] * len(fresh)


def test_what_was_dropped_while_nothing_finished_is_a_rate_of_errors_too():
    dropped = Recorder(WINDOW)
    dropped.counts[Outcome.DROPPED] = 7
    told = ticks()
    assert [told.tick(live(at, fresh=each)).errors_hz for at, each in ((2, dropped), (2.5, None))] == [7, 7]
    assert told.tick(live(3)).errors_hz == 0


def test_requests_that_finish_after_a_time_of_none_have_no_rate_until_their_outcome_is_reported():
    """Eight that are given up all at once are no rate of answers."""
    told = ticks()
    assert told.tick(live(3.0)).rate_hz == 0
    assert told.tick(live(3.5, finished_hz=8.0)).rate_hz is None
    assert told.tick(live(4.0, fresh=Recorder(WINDOW, finished=8), finished_hz=8.0)).rate_hz == 0


def test_between_two_reports_the_share_of_the_last_one_holds():
    told = ticks()
    told.tick(live(1.0, fresh=Recorder(WINDOW, finished=50, answered=25), finished_hz=100.0))
    rates = [told.tick(live(at_s, finished_hz=100.0)).rate_hz for at_s in (1.5, 2.0, 2.5)]
    assert rates == [50, 50, 50]


def test_the_quantiles_are_those_of_the_last_second_alone():
    told = ticks()
    told.tick(live(0.5, fresh=of([900] * 100)))
    assert told.tick(live(1.0)).p50_ns == pytest.approx(900 * NS_PER_MS, rel=0.01)
    told.tick(live(1.5, fresh=of(range(1, 1001))))
    tick = told.tick(live(2.0))
    found_ms = [ns / NS_PER_MS for ns in (tick.p50_ns, tick.p95_ns, tick.p99_ns)]
    assert found_ms == pytest.approx([500, 950, 990], rel=0.01)
    told.tick(live(2.5))
    assert told.tick(live(3.0)).p50_ns is None, "nothing came in the last second"


def test_workers_that_report_in_different_halves_of_a_second_are_both_seen():
    told = ticks()
    told.tick(live(0.5, fresh=of([100] * 30)))
    tick = told.tick(live(1.0, fresh=of([300] * 70)))
    assert tick.p50_ns == pytest.approx(300 * NS_PER_MS, rel=0.01)


def test_a_quantile_that_unanswered_requests_could_move_is_left_open():
    tick = ticks().tick(live(1, fresh=of([100] * 1000, waited_ms=[10] * 40)))
    assert tick.p50_ns is not None
    assert tick.p99_ns is None


def test_too_few_requests_have_no_far_quantile():
    tick = ticks().tick(live(1, fresh=of([100] * 10)))
    assert (tick.p50_ns is None, tick.p99_ns) == (False, None)


def test_errors_and_what_was_dropped_are_those_of_the_window_so_far():
    counted = Recorder(WINDOW)
    for outcome, count in ((Outcome.OK, 90), (Outcome.TIMEOUT, 7), (Outcome.DROPPED, 3)):
        counted.counts[outcome] = count
    tick = ticks().tick(live(2, counted=counted))
    assert (tick.errors, tick.dropped) == (10, 3)


def test_a_tick_says_which_stage_how_long_and_what_the_client_takes():
    tick = ticks().tick(live(2.5, in_flight=8, finished=4, busy=(0.4, None)))
    assert (tick.index, tick.at_ns, tick.in_flight, tick.finished) == (3, 5 * NS_PER_S // 2, 8, 4)
    assert tick.client_cpu == (0.4, None)


# --- the target's threads ---


def looked(values, *, for_s=0.5, url="http://127.0.0.1:1/metrics"):
    """Return a tick after the target was asked, once a second, and told these figures one after the other."""
    clock, asked = FakeClock(), []
    told = ticks(metrics_url=url)

    async def reading(of_url):
        asked.append(of_url)
        found = values[min(len(asked), len(values)) - 1]
        return None if found is None else Reading(clock.now_ns(), found)

    async def look():
        with suppress(TimeoutError):
            await asyncio.wait_for(told.look(reading), for_s)

    run(clock, look())
    return told.tick(live(2)), asked


TOLD = {
    "target_busy_threads": 5.0, "target_workers": 2.0, "target_threads": 4.0, "target_thread_queue": 3.0,
}  # fmt: skip


def test_slots_are_workers_times_threads():
    tick, _ = looked([TOLD])
    assert (tick.busy_threads, tick.slots, tick.thread_queue) == (5.0, 8, 3.0)


def test_a_target_without_a_limit_of_threads_has_no_slots():
    tick, _ = looked([TOLD | {"target_threads": 0.0}])
    assert (tick.busy_threads, tick.slots) == (5.0, None)


def test_a_target_is_asked_once_a_second_and_the_last_word_counts():
    tick, asked = looked([TOLD, TOLD, TOLD | {"target_busy_threads": 8.0}], for_s=2.5)
    assert len(asked) == 3
    assert tick.busy_threads == 8.0


def test_what_a_target_that_fell_silent_said_before_is_not_repeated():
    tick, _ = looked([TOLD, None], for_s=1.5)
    assert (tick.busy_threads, tick.slots, tick.thread_queue) == (None, None, None)


def test_a_target_that_has_no_metrics_is_not_asked():
    tick, asked = looked([TOLD], url=None)
    assert asked == []
    assert (tick.busy_threads, tick.slots, tick.thread_queue) == (None, None, None)


# --- what is offered ---


def test_the_offered_rate_of_a_ramp_is_that_of_the_moment():
    ramp = Stage(rate_hz=100.0, rate_to_hz=300.0)
    whole = plan(workload=Workload.OPEN, stages=(ramp,), warmup_ns=1 * NS_PER_S, duration_ns=4 * NS_PER_S)
    offered = [offered_hz(whole, ramp, round(at_s * NS_PER_S)) for at_s in (0.5, 1, 3, 5)]
    assert offered == pytest.approx([100, 100, 200, 300])
    assert ticks(of_plan=whole).tick(live(3)).offered_hz == pytest.approx(200)


def test_a_closed_stage_offers_no_rate():
    assert ticks().tick(live(3)).offered_hz is None
