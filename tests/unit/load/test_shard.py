"""Shares add up, and a stage begins and ends when it should."""

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadlab.clock import NS_PER_S
from loadlab.load.shard import Share
from loadlab.recording.sample import Outcome, Sample
from loadlab.workload.plan import Request, Stage
from loadlab.workload.traits import Workload
from support.fakes import START_NS, FakeClock, plan, shard_of


@given(st.integers(0, 100_000), st.integers(1, 64))
def test_the_shares_of_a_whole_add_up_to_it_and_differ_by_one_at_most(whole, shards):
    parts = [Share(Stage(), shard, shards).of(whole) for shard in range(shards)]
    assert sum(parts) == whole
    assert max(parts) - min(parts) <= 1


@given(st.integers(1, 40), st.integers(1, 60), st.integers(1, 8))
def test_the_shards_of_a_counted_stage_feed_as_many_requests_as_it_has(users, requests, shards):
    stage = Stage(concurrency=users, requests=requests)
    whole = plan(stages=(stage,), duration_ns=None)
    fed = 0
    served = 0
    for number in range(min(shards, users)):
        by_user = shard_of(FakeClock(), whole, shard=number, shards=min(shards, users)).requests_by_user(
            ["x"], apart=True
        )
        served += len(by_user)
        fed += len(list(by_user[0]))
    assert (served, fed) == (users, requests)


@pytest.mark.parametrize(("apart", "users"), [(True, 10), (False, 1)])
def test_a_batch_gives_each_request_a_user_of_its_own_or_all_of_them_to_one(apart, users):
    whole = plan(workload=Workload.BATCH, stages=(Stage(requests=10),), duration_ns=None)
    by_user = shard_of(FakeClock(), whole).requests_by_user(["x"], apart=apart)
    assert len(by_user) == users
    assert sum(len(list(requests)) for requests in by_user) == 10


def test_what_a_stopped_batch_has_left_is_dropped_as_it_was_due_and_at_one_moment():
    clock = FakeClock()
    whole = plan(workload=Workload.BATCH, stages=(Stage(requests=10),), duration_ns=None)
    shard = shard_of(clock, whole)
    shard.sent = 4
    clock.turn(NS_PER_S)
    shard.drop_unsent()
    rows = [Sample(*row) for row in shard.tape.cut().tolist()]
    assert shard.dropped == len(rows) == 6
    at_ns = START_NS + NS_PER_S
    assert set(rows) == {Sample(START_NS, at_ns, at_ns, Outcome.DROPPED, 0, 0, 0)}


def test_the_shards_of_a_stage_mix_each_in_its_own_order():
    requests = tuple(Request(url=f"http://x/{name}") for name in "ab")
    whole = plan(requests=requests, stages=(Stage(concurrency=2),), processes=2)
    one, two = (
        list(
            islice(
                shard_of(FakeClock(), whole, shard=number, shards=2).requests_by_user(["a", "b"], apart=True)[
                    0
                ],
                100,
            )
        )
        for number in range(2)
    )
    assert one != two


def test_the_window_follows_from_the_barrier_the_warm_up_and_the_duration():
    shard = shard_of(FakeClock(), plan(warmup_ns=NS_PER_S, duration_ns=2 * NS_PER_S, drain_ns=5 * NS_PER_S))
    window = shard.start_at(START_NS)
    assert (window.start_ns - START_NS, window.end_ns - START_NS) == (NS_PER_S, 3 * NS_PER_S)
    assert shard.end_ns == window.end_ns
    assert shard.drain_left_ns() == 8 * NS_PER_S


def test_a_batch_has_no_end_until_everything_was_sent():
    shard = shard_of(
        FakeClock(), plan(workload=Workload.BATCH, stages=(Stage(requests=2),), duration_ns=None)
    )
    assert shard.start_at(START_NS).end_ns is None
    (requests,) = shard.requests_by_user(["x"], apart=False)
    assert (next(requests), shard.drain_from_ns) == ("x", None)
    assert (next(requests), shard.drain_from_ns) == ("x", START_NS)


def test_a_halt_during_the_drain_does_not_begin_it_anew():
    clock = FakeClock()
    shard = shard_of(clock, plan(duration_ns=NS_PER_S))
    clock.turn(3 * NS_PER_S)
    shard.halt()
    assert shard.drain_from_ns == START_NS + NS_PER_S
