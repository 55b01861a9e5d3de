"""What a reader learns about a stage without any fault of the measurement, each check as a table."""

import pytest
from msgspec import structs

from loadlab.transports.connection_stats import Closed
from support.results import NOTHING
from support.stages import (
    BATCH,
    CLOSED,
    FAIL,
    MS,
    OPEN,
    PASS,
    UNTESTABLE,
    check,
    client,
    healthy,
    spread,
    target,
)


@pytest.mark.parametrize(
    ("whole", "changed", "opened_them", "outcome"),
    [
        (CLOSED, {}, 128, PASS),
        (CLOSED, {}, 129, FAIL),
        (CLOSED, {}, None, UNTESTABLE),
        (BATCH, {"concurrency": None, "requests": 10}, 20, PASS),
        (BATCH, {"concurrency": None, "requests": 10}, 21, FAIL),
        # 64 arrivals in a longest latency of 100 ms, 24 by chance, and one; 100 places
        (OPEN, {"concurrency": None, "rate_hz": 640.0}, 178, PASS),
        (OPEN, {"concurrency": None, "rate_hz": 640.0}, 179, FAIL),
        (OPEN, {"concurrency": None, "rate_hz": 64.0, "rate_to_hz": 640.0}, 178, PASS),
        (OPEN, {"concurrency": None, "rate_hz": 640.0, "latency_ns": spread(900)}, 200, PASS),
        (OPEN, {"concurrency": None, "rate_hz": 640.0, "latency_ns": NOTHING}, 201, FAIL),
        # Each process needs a connection, however little is in flight.
        (OPEN, {"concurrency": None, "rate_hz": 1.0, "processes": 16}, 32, PASS),
        (OPEN, {"concurrency": None, "rate_hz": 1.0, "processes": 16}, 33, FAIL),
        (OPEN | {"max_in_flight": None}, {"concurrency": None, "latency_ns": NOTHING}, 201, UNTESTABLE),
    ],
)
def test_connections_are_compared_with_what_can_be_in_flight(whole, changed, opened_them, outcome):
    of = healthy(**changed, client=client(connections_opened=opened_them))
    assert check("connections_reopened", of, whole=whole).outcome is outcome


@pytest.mark.parametrize(
    ("closed", "says"),
    [
        ((Closed(peer=300),), "the target closed 300"),
        ((Closed(peer=200), Closed(peer=100)), "the target closed 300"),
        ((Closed(time_limit=300),), "the client closed 300 when a request timed out"),
        ((Closed(idle_limit=300),), "the client closed 300 that were idle for --idle-limit 900 ms"),
        ((Closed(protocol_error=300),), "the client closed 300 after an invalid response"),
        (
            (Closed(peer=100, time_limit=200),),
            "the client closed 200 when a request timed out, the target closed 100",
        ),
    ],
)
def test_connections_that_were_opened_again_say_who_closed_the_others(closed, says):
    of = healthy(client=client(connections_opened=10_000, connections_closed=closed))
    message = check("connections_reopened", of).message
    assert message.endswith(f"handshake: {says}")


def test_connections_that_were_not_to_be_kept_are_not_compared():
    of = healthy(client=client(connections_opened=10_000))
    assert check("connections_reopened", of, whole=CLOSED | {"keep_alive": False}).outcome is UNTESTABLE


@pytest.mark.parametrize(
    ("throttled_ms", "outcome"), [(0, PASS), (100, PASS), (101, FAIL), (None, UNTESTABLE)]
)
def test_target_throttled(throttled_ms, outcome):
    throttled_ns = None if throttled_ms is None else throttled_ms * MS
    found = check("target_throttled", healthy(target=target(cpu_throttled_ns=throttled_ns)))
    assert found.outcome is outcome
    if outcome is FAIL:
        assert found.message.startswith(
            "the target's CPU limit (TARGET_CPUS) held it back for 1% of the window"
        )


@pytest.mark.parametrize(
    ("ended", "outcome", "said"),
    [(0, PASS, "no worker"), (1, FAIL, "1 worker of"), (2, FAIL, "2 workers of")],
)
def test_workers_of_the_target_that_ended(ended, outcome, said):
    found = check("target_workers", healthy(target=target(workers_ended=ended)))
    assert found.outcome is outcome
    assert found.message.startswith(said)


def test_a_target_that_does_not_count_its_workers_ends():
    assert check("target_workers", healthy(target=target(workers_ended=None))).outcome is UNTESTABLE


@pytest.mark.parametrize(
    ("untold", "count", "says"),
    [
        ((), 6400, "there were enough requests"),
        (("p99",), 380, "p99 needs 381 requests, 380 were answered"),
        (("p95", "p99"), 72, "p95 needs 73 requests"),
        (("p90", "p95", "p99"), 34, "p90 needs 35 requests"),
        (("p50", "p90", "p95", "p99"), 3, "p50 needs 4 requests"),
        (("p99",), 6400, "requests without an answer could change p99"),
    ],
)
def test_samples(untold, count, says):
    latency = structs.replace(spread(count=count), **dict.fromkeys(untold))
    found = check("samples", healthy(latency_ns=latency))
    assert found.outcome is (UNTESTABLE if untold else PASS)
    assert found.message.startswith(says)
