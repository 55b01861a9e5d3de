"""Whether a target kept up with an open load: by what was due and done, and never by chance alone."""

import random

import pytest

from loadlab.clock import NS_PER_S
from loadlab.results.result import Counts, Standstill
from support.stages import FAIL, OPEN, PASS, UNTESTABLE, check, opened, slices


def judged(done, means_ms, *, due, in_flight=None, **changed):
    """Judge a stage with so many completions in each second."""
    seconds = len(done)
    return check(
        "kept_up",
        opened(
            window_ns=seconds * NS_PER_S,
            due=due,
            rate_hz=due / seconds,
            counts=Counts(scheduled=due, ok=due),
            throughput_hz=sum(done) / seconds,
            slices=slices(done, means_ms, in_flight),
            **changed,
        ),
        whole=OPEN,
    )


def test_a_target_that_answers_half_of_what_is_offered_did_not_keep_up_even_in_three_seconds():
    found = judged([157] * 3, [1300, 2000, 2900], due=900, in_flight=[260.0, 400.0, 540.0])

    assert found.outcome is FAIL
    assert "300/s offered, 157/s answered; in flight grew to 540" in found.message


@pytest.mark.parametrize(
    ("done", "means_ms"),
    [([300] * 3, [50] * 3), ([290, 280, 300], [50, 60, 55]), ([157, 157, 586], [600, 900, 800])],
    ids=["all is done", "a little is left", "it catches up"],
)
def test_a_target_that_keeps_up_passes(done, means_ms):
    assert judged(done, means_ms, due=900).outcome is PASS


def test_slow_answers_of_which_the_first_are_still_awaited_are_no_backlog():
    """Without a warm-up, answers that take 2 s each: 600 wait at the end, and never more."""
    assert judged([0, 0, 300, 300, 300], [0, 0, 2000, 2000, 2000], due=1500).outcome is PASS
    assert judged([0, 0, 150], [0, 0, 2500], due=900).outcome is PASS, "2.5 s each"


def test_errors_are_done_too():
    failing = opened(
        window_ns=3 * NS_PER_S,
        due=900,
        slices=tuple(
            type(each)(**{name: getattr(each, name) for name in each.__struct_fields__} | {"errors": 150})
            for each in slices([150] * 3, [50, 60, 70])
        ),
    )
    assert check("kept_up", failing, whole=OPEN).outcome is PASS


def test_a_ramp_is_compared_with_its_own_rates():
    """From 100/s to 500/s, all answered."""
    done = [167, 300, 433]
    assert judged(done, [50, 55, 60], due=900, rate_to_hz=500.0).outcome is PASS
    assert judged([160, 160, 160], [50, 500, 1500], due=900, rate_to_hz=500.0).outcome is FAIL


def test_a_queue_that_grows_and_shrinks_by_chance_is_hardly_ever_called_a_backlog():
    """A queue of nine tenths' load, arrivals and services at random, from its first arrival on."""
    chance = random.Random(7)
    called = sum(judged(*_queue(chance, 200.0, 222.0, 5), due=1000).outcome is FAIL for _ in range(200))

    assert called <= 2


def _queue(chance, rate_hz, served_hz, seconds):
    done, waits, free_s, at_s = [0] * seconds, [[] for _ in range(seconds)], 0.0, 0.0
    while at_s < seconds:
        at_s += chance.expovariate(rate_hz)
        free_s = max(free_s, at_s) + chance.expovariate(served_hz)
        if free_s < seconds:
            done[int(free_s)] += 1
            waits[int(free_s)].append(free_s - at_s)
    return done, [1000 * sum(each) / max(1, len(each)) for each in waits]


def test_a_window_in_which_the_target_stood_still_is_told_by_that():
    found = judged(
        [300, 0, 0], [50, 0, 0], due=900, stalls=(Standstill(from_ns=NS_PER_S, to_ns=3 * NS_PER_S),)
    )

    assert found.outcome is UNTESTABLE
    assert "stalled" in found.message
