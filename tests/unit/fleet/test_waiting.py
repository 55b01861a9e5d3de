"""For how long requests wait while none finishes, as the workers' heartbeats tell it."""

import pytest

from loadlab.clock import NS_PER_S
from loadlab.fleet.messages import Heartbeat
from loadlab.fleet.waiting import Waiting, waited_ns


def worker(*heartbeats, blocks_loop=False):
    """One that said at each second how many were in flight, had finished, and how far its loop was."""
    waiting = Waiting()
    for second, (in_flight, finished, progress) in enumerate(heartbeats, start=1):
        heartbeat = Heartbeat(
            at_ns=second * NS_PER_S,
            progress=progress,
            sent=in_flight + finished,
            finished=finished,
            in_flight=in_flight,
            cpu_ns=0,
            spun_ns=0,
            waited_ns=None,
            loop_stall_max_ns=0,
        )
        waiting.hear(heartbeat, blocks_loop=blocks_loop)
    return waiting


HANGS = worker((1, 5, 1), (1, 5, 2), (1, 5, 3), (1, 5, 4))


@pytest.mark.parametrize(
    ("workers", "waited_s"),
    [
        ([HANGS], 3),
        ([], 0),
        ([worker()], 0),
        ([worker((1, 5, 1), (1, 6, 2), (1, 6, 3), (1, 6, 4))], 2),
        ([worker((0, 5, 1), (0, 5, 2), (1, 5, 3), (2, 5, 4))], 1),
        ([worker((1, 5, 1), (1, 6, 2), (1, 7, 3), (1, 8, 4))], 0),
        ([HANGS, worker((0, 5, 1), (0, 5, 2), (0, 5, 3), (0, 5, 4))], 3),
        ([HANGS, worker((1, 5, 1), (1, 5, 2), (1, 6, 3), (1, 6, 4))], 1),
        ([HANGS, worker((1, 5, 1), (1, 5, 2))], 1),
    ],
    ids=[
        "none finishes",
        "no worker",
        "a worker that has said nothing",
        "since the last that finished",
        "since one is in flight",
        "all finish",
        "another worker pauses",
        "another worker finishes one",
        "only what all have said",
    ],
)
def test_a_wait_lasts_while_one_is_in_flight_and_none_finishes(workers, waited_s):
    assert waited_ns(workers) == waited_s * NS_PER_S


def test_a_loop_that_does_not_turn_waits_for_nothing():
    stuck = (1, 5, 1), (1, 5, 1), (1, 5, 1)

    assert waited_ns([worker(*stuck)]) == 0
    assert waited_ns([worker(*stuck, blocks_loop=True)]) == 2 * NS_PER_S
