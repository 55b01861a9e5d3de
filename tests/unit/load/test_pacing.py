"""When the users of a closed stage send, without a clock."""

import itertools

import pytest

from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.load.pacing import AT_ONCE, pace
from loadlab.load.shard import Share
from loadlab.workload.plan import Stage
from loadlab.workload.think import Exponential, Lognormal, Uniform
from support.fakes import plan

USERS = 200
STAGE = Stage(concurrency=USERS)


def paces(**changed):
    whole = plan(stages=(STAGE,), **{"think_ns": 2 * NS_PER_S, **changed})
    return [pace(whole, STAGE, user) for user in range(USERS)]


def sent_in_each_second(found, seconds, service_ns=20 * NS_PER_MS):
    """How many requests would be due in each second, each answered after the same time."""
    counts = [0] * seconds
    for first_ns, pauses_ns in found:
        due_ns = first_ns
        while due_ns < seconds * NS_PER_S:
            counts[due_ns // NS_PER_S] += 1
            due_ns += service_ns + next(pauses_ns)
    return counts


def test_users_that_do_not_think_start_at_once():
    assert paces(think_ns=0) == [AT_ONCE] * USERS


def test_two_hundred_users_that_think_for_two_seconds_send_a_hundred_each_second():
    counts = sent_in_each_second(paces(), 20)
    assert min(counts) >= 95
    assert max(counts) <= 101


@pytest.mark.parametrize("shape", [Exponential(), Uniform(0.9), Lognormal(0.8)])
def test_users_with_random_pauses_send_at_their_steady_rate_from_the_first_second_on(shape):
    counts = sent_in_each_second(paces(think_shape=shape), 12)
    assert sum(counts[:4]) == pytest.approx(400, rel=0.15)
    assert sum(counts[-4:]) == pytest.approx(400, rel=0.15)
    assert all(55 < count < 150 for count in counts)


def test_with_a_ramp_up_users_start_evenly_over_it():
    firsts = [first_ns for first_ns, _ in paces(ramp_up_ns=10 * NS_PER_S)]
    assert firsts == [user * 50 * NS_PER_MS for user in range(USERS)]
    assert {first_ns for first_ns, _ in paces(ramp_up_ns=0)} == {0}
    without_thinking = paces(think_ns=0, ramp_up_ns=NS_PER_S)
    assert without_thinking[100] == (NS_PER_S // 2, None)


def test_a_users_pauses_are_its_own_and_the_same_with_the_same_seed():
    def drawn(user, seed):
        return list(itertools.islice(paces(think_shape=Exponential(), seed=seed)[user].pauses_ns, 5))

    assert drawn(3, 1) == drawn(3, 1)
    assert drawn(3, 1) != drawn(4, 1)
    assert drawn(3, 1) != drawn(3, 2)


def test_processes_share_the_users_among_them():
    shares = [Share(STAGE, shard, 3) for shard in range(3)]
    numbers = [share.number(index) for share in shares for index in range(share.of(USERS))]
    assert sorted(numbers) == list(range(USERS))
