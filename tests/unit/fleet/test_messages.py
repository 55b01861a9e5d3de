"""What worker and parent say to each other comes through whole, and stays small."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple

from loadlab.fleet.messages import (
    Ended,
    Failed,
    Go,
    Halt,
    Heartbeat,
    Quit,
    Ready,
    Report,
    Task,
    encode,
    from_parent,
    from_worker,
)
from loadlab.load.shard import Share
from loadlab.recording.histogram import Histogram
from loadlab.transports.connection_stats import ConnectionStats
from loadlab.workload.plan import Request, StatusRange
from loadlab.workload.think import Lognormal
from support.fakes import plan
from support.recorded import (
    WINDOW,
    everything,
    mixes,
    recorder,
    sample,
    spans,
    windows,
)


@given(windows, mixes, st.lists(spans, max_size=5))
def test_a_recorder_comes_through_a_message_whole(window, mix, flights):
    sent = recorder(window, mix, flights)
    received = from_worker(encode(Report(sent, 7)))
    assert received.upto_ns == 7
    assert everything(received.counted) == everything(sent)
    received.counted.merge(sent)
    sent.merge(sent)
    assert everything(received.counted) == everything(sent)


@given(windows, mixes)
def test_what_was_packed_before_is_sent_as_what_was_not_with_a_turn_for_each_distribution(window, mix):
    packed, other = recorder(window, mix), recorder(window, mix)
    turns = len(list(packed.prepare_to_send()))
    assert turns == sum(isinstance(each, Histogram) and each.count > 0 for each in astuple(packed))
    assert encode(Report(packed, 7)) == encode(Report(other, 7))


@pytest.mark.parametrize(
    "message",
    [
        Ready(),
        Heartbeat(1, 2, 3, 4, 5, 6, 7, None, 8),
        Ended(ConnectionStats(7, 8, 9, 10), 11),
        Failed("ValueError: no", "Traceback …"),
    ],
)
def test_a_workers_message_comes_through_whole(message):
    assert from_worker(encode(message)) == message


PLAN = plan(
    think_ns=5,
    think_shape=Lognormal(0.5),
    expect_status=(StatusRange(200, 204),),
    requests=(Request(url="http://127.0.0.1/", headers=(("X", "ü"),), body=b"\0\xff"),),
)


@pytest.mark.parametrize("message", [Task(PLAN, Share(PLAN.stages[0], 1, 3)), Go(12345), Halt(), Quit()])
def test_the_parents_message_comes_through_whole(message):
    assert from_parent(encode(message)) == message


def test_a_recorder_does_not_grow_with_the_number_of_requests():
    few, many = recorder(WINDOW, [sample(1, 1, 5)]), recorder(WINDOW, [sample(1, 1, 5)] * 5_000)
    assert len(encode(Report(many, 0))) <= len(encode(Report(few, 0))) + 100
