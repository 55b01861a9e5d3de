"""When a target counts as lost: by the evidence of its answers, and never at the first look."""

import asyncio
from contextlib import suppress

import pytest

from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.fleet.live import Live
from loadlab.fleet.stop import Control
from loadlab.recording.reasons import short_of
from loadlab.recording.recorder import Recorder
from loadlab.recording.sample import Outcome
from loadlab.recording.window import Window
from loadlab.results.result import Outage
from loadlab.runs.target_watch import TargetWatch
from loadlab.system.resources import Resource
from loadlab.targets.addresses import ShortageError
from support.fakes import START_NS, FakeClock, plan, run
from support.results import stage

REFUSED = "http://h/ cannot be reached: Connection refused"
FIVE = 5 * NS_PER_S


class ScriptedHost:
    """Says of each look what the script has, the last again and again."""

    def __init__(self, *looks, ended_after_s=None, clock=None):
        self.looks = list(looks)
        self.asked = []
        self.silences = []
        self._clock = clock
        self._ended_after_s = ended_after_s

    async def ended(self, *, silent=True):
        self.silences.append(silent)
        if self._ended_after_s is None or self._clock.now_ns() < START_NS + self._ended_after_s * NS_PER_S:
            return None
        return "the target ended with exit code 3"

    async def lost(self):
        self.asked.append(asyncio.get_running_loop().time())
        look = self.looks[min(len(self.asked), len(self.looks)) - 1]
        if isinstance(look, Exception):
            raise look
        return look


class MisnamedHost(ScriptedHost):
    """One whose URL names the wrong scheme."""

    def __init__(self, sentence):
        super().__init__(None)
        self.sentence = sentence
        self.matched = 0

    async def mismatch(self):
        self.matched += 1
        return self.sentence


def live(*, silent_s, begin_ns=START_NS, waited_s=0.0, lacks=None):
    """A stage in which nothing was answered for so long while requests failed; for want of what it lacks."""
    counted = Recorder(Window(begin_ns), last_answered_ns=begin_ns, last_failing_ns=begin_ns + 1)
    if lacks is not None:
        counted.last_failing_ns, counted.last_lacking_ns = 0, begin_ns + 1
        counted.errors[Outcome.CONNECT_ERROR] = {"connection refused": 4, short_of(lacks): 3}
    return Live(
        counted=counted,
        fresh=Recorder(Window(begin_ns)),
        sent=0,
        finished=0,
        in_flight=0,
        busy=(),
        loop_stall_max_ns=0,
        begin_ns=begin_ns,
        now_ns=begin_ns,
        upto_ns=begin_ns + round(silent_s * NS_PER_S),
        waited_ns=round(waited_s * NS_PER_S),
    )


def watched(host, *, silences=(), waits=(), for_s=20.0, clock=None, lacks=None, **of_plan):
    """Watch a stage in which nothing is answered for so long, second by second; return watch and control."""
    clock, control = clock or FakeClock(), Control()
    watch = TargetWatch(host, plan(**of_plan), control)

    async def stage_goes_on():
        guarding = asyncio.create_task(watch.during_stage())
        for silent_s in silences:
            await asyncio.sleep(1)
            watch.hear(live(silent_s=silent_s, lacks=lacks))
        for waited_s in waits:
            await asyncio.sleep(1)
            watch.hear(live(silent_s=0, waited_s=waited_s))
        await asyncio.sleep(for_s)
        guarding.cancel()
        with suppress(asyncio.CancelledError):
            await guarding

    run(clock, stage_goes_on())
    return watch, control


def test_a_target_that_is_away_does_not_end_a_stage():
    host = ScriptedHost(REFUSED)
    watch, control = watched(host, silences=range(1, 100))

    assert (watch.lost, control.halted, host.asked) == (None, False, [])


def test_it_ends_after_the_time_that_the_plan_says_and_a_second_look():
    host = ScriptedHost(REFUSED)
    watch, control = watched(host, silences=range(1, 10), stop_when_lost_ns=FIVE)

    assert watch.lost is not None
    assert watch.lost.startswith(REFUSED)
    assert "no request was answered for 6.00 s" in watch.lost
    assert control.halted
    assert not control.stopped, "nobody asked for it"
    assert len(host.asked) == 2


def test_while_answers_come_nobody_connects_to_the_target():
    host = ScriptedHost(REFUSED)
    watch, _ = watched(host, silences=[0, 4.9, 0, 4.9, 0], stop_when_lost_ns=FIVE)

    assert (watch.lost, host.asked) == (None, [])


def test_an_answer_between_the_two_looks_keeps_the_run():
    host = ScriptedHost(REFUSED)
    watch, _ = watched(host, silences=[5, 0], stop_when_lost_ns=FIVE)

    assert watch.lost is None
    assert host.asked


def test_one_attempt_that_fails_ends_nothing():
    host = ScriptedHost(REFUSED, None)
    watch, _ = watched(host, silences=[1, 2, 3, 4, 5, 0], stop_when_lost_ns=FIVE)

    assert watch.lost is None


def test_a_target_that_accepts_connections_and_answers_nothing_is_away_too():
    watch, _ = watched(ScriptedHost(None), silences=range(1, 8), stop_when_lost_ns=FIVE)

    assert watch.lost is not None
    assert "accepts connections and answers nothing" in watch.lost


def test_requests_that_hang_end_a_run_after_the_time_that_the_plan_says_though_none_has_failed():
    watch, control = watched(ScriptedHost(None), waits=range(1, 8), stop_when_lost_ns=FIVE)

    assert "no request was answered for 5.00 s" in watch.lost
    assert control.halted


@pytest.mark.parametrize(
    "of_plan",
    [{}, {"duration_ns": None}, {"stop_when_lost_ns": FIVE, "scenario": "pool-map"}],
    ids=["no time given", "a number of requests", "nothing tells what is in flight"],
)
def test_otherwise_requests_that_only_wait_end_nothing(of_plan):
    watch, control = watched(ScriptedHost(None), waits=range(1, 60), **of_plan)

    assert (watch.lost, control.halted) == (None, False)


def test_what_this_side_lacks_says_nothing_of_the_target():
    host = ScriptedHost(ShortageError("local ports ran out"))
    watch, control = watched(host, silences=range(1, 20), stop_when_lost_ns=FIVE)

    assert host.asked
    assert (watch.lost, control.halted) == (None, False)


def test_a_process_that_has_ended_ends_the_run_at_once():
    clock = FakeClock()
    host = ScriptedHost(None, clock=clock, ended_after_s=2)
    watch, control = watched(host, clock=clock)

    assert watch.lost == "the target ended with exit code 3"
    assert control.halted
    assert host.asked == []


def test_a_host_is_told_whether_answers_have_stopped_before_it_looks_further():
    host = ScriptedHost(None)
    watched(host, silences=[0, 0.9], for_s=0.1)
    assert set(host.silences) == {False}

    watched(host, silences=[1, 2], for_s=0.1)
    assert host.silences[-1] is True


def test_a_target_that_does_not_speak_what_its_url_says_ends_the_run_once_requests_fail():
    host = MisnamedHost("http://h/ cannot be loaded: the port speaks TLS; use https://")
    watch, control = watched(host, silences=[0.5, 1.5], for_s=1)
    assert (watch.lost, watch.fits, control.halted) == (host.sentence, False, True)


def test_it_is_asked_once_what_it_speaks_and_only_where_requests_fail():
    host = MisnamedHost(None)
    watch, _ = watched(host, silences=[0.5], for_s=1)
    assert host.matched == 0
    watch, _ = watched(host, silences=[1.5, 2.5, 3.5], for_s=1)
    assert (watch.lost, watch.fits, host.matched) == (None, True, 1)


def test_a_stage_that_only_a_number_of_requests_ends_is_ended_after_half_a_minute():
    host = ScriptedHost(REFUSED)
    by_count = {"duration_ns": None}
    assert watched(host, silences=range(1, 30), for_s=0.1, **by_count)[0].lost is None
    assert watched(host, silences=range(1, 40), **by_count)[0].lost.startswith(REFUSED)


def test_such_a_stage_is_ended_too_where_this_side_can_not_look_and_it_is_the_clients_doing():
    host = ScriptedHost(ShortageError("open files ran out (the limit is 64)"))
    for of_plan in ({}, {"stop_when_lost_ns": FIVE}):
        watch, control = watched(host, silences=range(1, 29), for_s=0.1, duration_ns=None, **of_plan)
        assert (watch.lacking, control.halted) == (None, False)
        watch, control = watched(host, silences=range(1, 40), duration_ns=None, **of_plan)
        assert (watch.lost, control.halted, control.stopped) == (None, True, False)
        assert watch.lacking.startswith(
            "open files ran out (the limit is 64); no request was answered for 30"
        )


def test_such_a_stage_is_ended_too_where_every_request_fails_for_what_this_side_lacks():
    host = ScriptedHost(None)
    files = {"lacks": Resource.FILES}
    assert watched(host, silences=range(1, 40), **files)[0].lacking is None, "its duration ends it"
    assert watched(host, silences=range(1, 29), for_s=0.1, duration_ns=None, **files)[0].lacking is None
    watch, control = watched(host, silences=range(1, 40), duration_ns=None, **files)
    assert (watch.lost, control.halted, host.asked) == (None, True, [])
    assert watch.lacking.startswith("open files ran out (the limit is ")


def test_such_a_stage_goes_on_where_the_target_accepts_connections():
    assert watched(ScriptedHost(None), silences=range(1, 60), duration_ns=None)[0].lost is None


# --- the evidence ---


def evidence(*, answered_s, failing_s, upto_s):
    counted = Recorder(
        Window(START_NS),
        last_answered_ns=START_NS + round(answered_s * NS_PER_S) if answered_s is not None else 0,
        last_failing_ns=START_NS + round(failing_s * NS_PER_S) if failing_s is not None else 0,
    )
    seen = live(silent_s=upto_s)
    return Live(**{name: getattr(seen, name) for name in Live.__struct_fields__} | {"counted": counted})


@pytest.mark.parametrize(
    ("answered_s", "failing_s", "upto_s", "silent_s"),
    [
        (None, None, 9, 0),  # nothing was sent that has ended: workers start, or the target is slow
        (None, 0.5, 3, 3),  # from the barrier on
        (2, 1, 9, 0),  # what failed was sent before the last answer
        (2, 3, 5, 3),
        (2, 3, 0, 0),  # not every worker has reported yet
    ],
)
def test_silence_is_what_all_workers_have_reported(answered_s, failing_s, upto_s, silent_s):
    told = evidence(answered_s=answered_s, failing_s=failing_s, upto_s=upto_s)
    assert told.silent_ns == silent_s * NS_PER_S


# --- at a stage's end ---

GONE = stage(window_ns=NS_PER_S, outages=(Outage(from_ns=500 * NS_PER_MS, to_ns=NS_PER_S),))
BACK = stage(window_ns=NS_PER_S, outages=(Outage(from_ns=500 * NS_PER_MS, to_ns=700 * NS_PER_MS),))


def after(host, ended, control=None):
    watch = TargetWatch(host, plan(), control or Control())
    run(FakeClock(), watch.after_stage(ended))
    return watch.lost


def test_a_target_that_is_away_at_a_stages_end_and_a_second_later_is_lost():
    host = ScriptedHost(REFUSED)

    assert after(host, GONE) == REFUSED
    first, second = host.asked
    assert second - first == pytest.approx(1.0)


def test_a_target_that_is_back_a_second_later_is_not():
    assert after(ScriptedHost(REFUSED, None), GONE) is None


@pytest.mark.parametrize("ended", [stage(), BACK], ids=["no outage", "an outage that is over"])
def test_a_stage_that_ends_with_answers_needs_no_question(ended):
    host = ScriptedHost(REFUSED)

    assert after(host, ended) is None
    assert host.asked == []


def test_a_run_that_was_stopped_asks_nothing_more():
    control, host = Control(), ScriptedHost(REFUSED)
    control.stop()

    assert after(host, GONE, control) is None
    assert host.asked == []


def test_a_shortage_of_this_side_at_a_stages_end_is_not_the_targets_loss():
    assert after(ScriptedHost(ShortageError("open files ran out")), GONE) is None
