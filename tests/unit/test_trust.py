"""Each check of a stage as a table: what it is given, how it comes out, and what a stage is then worth."""

import math

import pytest
from msgspec import structs

from fakes import plan
from loadlab.analysis import audit, steady, trust
from loadlab.analysis.case import Case
from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.plan import Stage, WhenFull, Workload
from loadlab.result import (
    CheckOutcome,
    ClientStage,
    Counts,
    Distribution,
    Finding,
    SliceResult,
    State,
    TargetStage,
    Theory,
    Verdict,
)
from loadlab.scenarios import scenario
from results import NOTHING, stage

MS = NS_PER_MS
PASS, FAIL, UNTESTABLE = CheckOutcome.PASS, CheckOutcome.FAIL, CheckOutcome.UNTESTABLE

TARGET = {
    "workers": 1,
    "threads": 64,
    "requests": 6400,
    "requests_in_stage": 7000,
    "thread_ns": 100.0 * MS,
    "handler_ns": 99.0 * MS,
    "queue_ns": 0.0,
    "busy_threads_mean": 64.0,
    "cpu_throttled_ns": 0,
}
CLIENT = {
    "cpu_ratio": (0.3,),
    "loop_stall_max_ns": 2 * MS,
    "connections_opened": 64,
    "connections_lost": 0,
    "busiest_ratio": (0.4,),
    "waited_ratio": (0.1,),
    "wanted_ratio": (0.5,),
    "throttled_ratio": 0.0,
    "stolen_ratio": 0.0,
}


def spread(p50_ms=100.0, p99_ms=None, count=6400):
    """A distribution around this median."""
    p50, p99 = round(p50_ms * MS), round((p99_ms or p50_ms) * MS)
    half = round(p50 * 2 / math.sqrt(count))
    return Distribution(
        count=count,
        mean=float(p50),
        p50=p50,
        p90=p50,
        p95=p50,
        p99=p99,
        p999=None,
        max=p99,
        intervals=dict.fromkeys(("p50", "p90", "p95", "p99"), (p50 - half, p50 + half)),
    )


def client(**changed):
    return ClientStage(**{**CLIENT, "own_lag_ns": spread(0.01, 0.1), **changed})


def target(**changed):
    return TargetStage(**TARGET | changed)


def slices(counts, p50s):
    return tuple(
        SliceResult(at_ns=at * NS_PER_S, count=count, errors=0, p50=round(p50 * MS), p99=None, in_flight=64.0)
        for at, (count, p50) in enumerate(zip(counts, p50s, strict=True))
    )


def healthy(**changed):
    """Ten seconds of 64 users at 100 ms: 640 a second, everything in agreement."""
    return stage(
        **{
            "label": "64",
            "concurrency": 64,
            "window_ns": 10 * NS_PER_S,
            "counts": Counts(scheduled=6400, ok=6400),
            "throughput_hz": 640.0,
            "in_flight_mean": 64.0,
            "in_flight_error": 0.0,
            "flown_mean": 64.0,
            "sent_total": 7000,
            "answered_total": 7000,
            "latency_ns": spread(),
            "service_ns": spread(),
            "slices": slices([640] * 10, [100] * 10),
            "halves": (spread(count=3200), spread(count=3200)),
            "client": client(),
            "target": target(),
            "theory": Theory(service_ns=100.0 * MS, bound_hz=640.0, bound_ratio=1.0),
            **changed,
        }
    )


def opened(**changed):
    """The same load as an open stage."""
    return healthy(**{"concurrency": None, "rate_hz": 640.0, "due": 6400, **changed})


CLOSED = {"warmup_ns": NS_PER_S, "duration_ns": 10 * NS_PER_S}
OPEN = {
    **CLOSED,
    "workload": Workload.OPEN,
    "stages": (Stage(rate_hz=640.0),),
    "max_in_flight": 100,
    "when_full": WhenFull.DROP,
}
BATCH = {"workload": Workload.BATCH, "stages": (Stage(requests=6400),), "duration_ns": None}


def check(name, of, *, whole=CLOSED, scenario_name="task", cores=2.0, transport="aiohttp"):
    """Return the check of this name."""
    found = trust.checks(Case(plan(**whole, transport=transport), scenario(scenario_name).TRAITS, cores, of))
    (only,) = [each for each in found if each.name == name]
    return only


def judged(of, *, whole=CLOSED, scenario_name="task"):
    return trust.judged(plan(**whole), scenario(scenario_name).TRAITS, 2.0, of)


@pytest.mark.parametrize(
    ("whole", "of"),
    [(CLOSED, healthy()), (OPEN, opened()), (BATCH, healthy(concurrency=None, requests=6400))],
)
def test_a_healthy_stage_is_valid_and_each_of_its_checks_passes_or_says_why_it_cannot(whole, of):
    found, checks = judged(of, whole=whole)
    assert found.state is State.VALID
    assert found.findings == ()
    assert {each.outcome for each in checks} <= {PASS, UNTESTABLE}
    assert len({each.name for each in checks}) == len(checks)
    for each in checks:
        assert each.stage == "64"
        assert each.message
        assert each.metric
        assert each.unit
    if whole is not BATCH:
        assert all(each.outcome is PASS for each in checks)


def by_client(**changed):
    return healthy(client=client(**changed))


@pytest.mark.parametrize(
    ("busiest", "outcome"),
    [
        ((0.0,), PASS),
        ((0.9,), PASS),
        ((0.91,), FAIL),
        ((0.2, 1.02), FAIL),
        ((None,), UNTESTABLE),
        ((), UNTESTABLE),
    ],
)
def test_client_cpu(busiest, outcome):
    assert check("client_cpu", by_client(busiest_ratio=busiest)).outcome is outcome


@pytest.mark.parametrize(
    ("client_of", "cores", "busiest", "sentence"),
    [
        (
            ("task", "aiohttp", 1),
            2,
            (1.0,),
            "one event loop is at 100% of a core: use SCENARIO=pool or --transport wire",
        ),
        (("task", "wire", 1), 2, (1.0,), "one event loop is at 100% of a core: use SCENARIO=pool;"),
        (("task", "aiohttp", 1), 1, (1.0,), "one event loop is at 100% of a core: use --transport wire;"),
        (
            ("callback", "wire", 1),
            1,
            (0.95,),
            "one event loop is at 95% of a core: give the client more cores, or ask",
        ),
        (
            ("pool", "aiohttp", 2),
            2,
            (1.0, 0.4),
            "1 of 2 event loops is at 100% of a core: use --transport wire;",
        ),
        (("pool", "wire", 2), 8, (1.0, 0.99), "2 of 2 event loops are at 100% of a core: use --processes 8;"),
        (
            ("pool", "wire", 2),
            2,
            (1.0, 0.99),
            "2 of 2 event loops are at 100% of a core: give the client more cores",
        ),
        (
            ("threads", "requests", 1),
            2,
            (1.1,),
            "one Python interpreter is at 110% of a core: use SCENARIO=pool;",
        ),
        (
            ("threads", "requests", 1),
            1,
            (1.0,),
            "one Python interpreter is at 100% of a core: use SCENARIO=task;",
        ),
    ],
)
def test_a_full_client_is_told_which_resource_ran_out_and_what_to_do(client_of, cores, busiest, sentence):
    scenario_name, transport, processes = client_of
    found = check(
        "client_cpu",
        by_client(busiest_ratio=busiest),
        whole=CLOSED | {"processes": processes},
        scenario_name=scenario_name,
        cores=float(cores),
        transport=transport,
    )
    assert found.message.startswith(sentence)
    assert "the target can do is unknown" in found.message


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        ({"wanted_ratio": (0.9,)}, PASS),
        ({"wanted_ratio": (0.5, 0.97), "waited_ratio": (0.1, 0.5), "busiest_ratio": (0.4, 0.47)}, FAIL),
        ({"wanted_ratio": (1.0,), "busiest_ratio": (0.95,)}, UNTESTABLE),
        ({"wanted_ratio": (None,)}, UNTESTABLE),
    ],
)
def test_client_core(changed, outcome):
    found = check("client_core", by_client(**changed))
    assert found.outcome is outcome
    if outcome is FAIL:
        assert "waited for a core for up to 50% of a second and ran for 47%" in found.message


def test_threads_that_wait_for_a_core_do_so_by_design():
    found = check(
        "client_core", by_client(wanted_ratio=(1.5,)), scenario_name="threads", transport="requests"
    )
    assert found.outcome is UNTESTABLE


@pytest.mark.parametrize(
    ("name", "changed", "outcome"),
    [
        ("client_throttled", {"throttled_ratio": 0.01}, PASS),
        ("client_throttled", {"throttled_ratio": 0.02}, FAIL),
        ("client_throttled", {"throttled_ratio": None}, UNTESTABLE),
        ("client_stolen", {"stolen_ratio": 0.05}, PASS),
        ("client_stolen", {"stolen_ratio": 0.06}, FAIL),
        ("client_stolen", {"stolen_ratio": None}, UNTESTABLE),
        ("open_files", {"files_exhausted": 0}, PASS),
        ("open_files", {"files_exhausted": 1}, FAIL),
        ("loop_stall", {"loop_stall_max_ns": 100 * MS}, PASS),
        ("loop_stall", {"loop_stall_max_ns": 101 * MS}, FAIL),
    ],
)
def test_what_else_a_client_can_run_out_of(name, changed, outcome):
    assert check(name, by_client(**changed)).outcome is outcome


LAGS = [
    (100, 4.9, PASS),  # 5 % of p50
    (100, 5.1, FAIL),
    (2, 0.9, PASS),  # 5 % of p50 would be 0.1 ms: the floor of 1 ms holds
    (2, 1.1, FAIL),
    (100, None, UNTESTABLE),
]


@pytest.mark.parametrize(("p50_ms", "lag_ms", "outcome"), LAGS)
def test_lag(p50_ms, lag_ms, outcome):
    own = NOTHING if lag_ms is None else spread(0.01, lag_ms)
    of = opened(latency_ns=spread(p50_ms), client=client(own_lag_ns=own))
    assert check("lag", of, whole=OPEN).outcome is outcome


@pytest.mark.parametrize(
    ("changed", "because"),
    [
        (
            {"busiest_ratio": (0.85,)},
            "one event loop is at 85% of a core in its busiest second; use SCENARIO=pool",
        ),
        ({"waited_ratio": (0.45,)}, "the client waited for a core for up to 45% of a second"),
        ({"waited_ratio": (None,)}, "its event loop was held up; ask for a lower --rate"),
    ],
)
def test_a_late_client_is_told_why(changed, because):
    of = opened(client=client(own_lag_ns=spread(0.01, 20), **changed))
    found = check("lag", of, whole=OPEN)
    assert found.message.startswith(
        "1 % of the requests went out 20.0 ms late or more, where 5.00 ms is allowed"
    )
    assert because in found.message


@pytest.mark.parametrize(
    ("scenario_name", "whole"),
    [("blocked-loop", CLOSED), ("task", BATCH), ("task", {"duration_ns": None})],
)
def test_lag_that_a_scenario_or_a_common_start_makes_by_design_is_not_held_against_the_client(
    scenario_name, whole
):
    of = healthy(client=client(own_lag_ns=spread(1, 500)))
    transport = scenario(scenario_name).TRAITS.transports[0]
    few = of if whole is CLOSED else healthy(client=of.client, counts=Counts(scheduled=640, ok=640))
    found = check("lag", few, whole=whole, scenario_name=scenario_name, transport=transport)
    assert found.outcome is UNTESTABLE


def test_a_loop_that_blocks_by_design_may_stall():
    of = by_client(loop_stall_max_ns=NS_PER_S)
    found = check("loop_stall", of, scenario_name="blocked-loop", transport="requests")
    assert found.outcome is UNTESTABLE


@pytest.mark.parametrize(
    ("due", "halted", "outcome"), [(6400, False, PASS), (6401, False, FAIL), (9000, True, UNTESTABLE)]
)
def test_schedule(due, halted, outcome):
    assert check("schedule", opened(due=due, halted=halted), whole=OPEN).outcome is outcome


@pytest.mark.parametrize(
    ("dropped", "refused", "sent", "places"),
    [
        (0, 0, PASS, PASS),
        (64, 0, PASS, PASS),
        (65, 0, FAIL, PASS),
        (65, 65, PASS, FAIL),
        (640, 575, FAIL, FAIL),
    ],
)
def test_what_was_dropped_is_the_clients_fault_unless_the_limit_was_reached(dropped, refused, sent, places):
    of = opened(counts=Counts(scheduled=6400, ok=6400 - dropped, dropped=dropped), refused=refused)
    assert check("sent", of, whole=OPEN).outcome is sent
    found = check("places", of, whole=OPEN)
    assert found.outcome is places
    if places is FAIL:
        assert "found all 100 places in flight taken" in found.message


@pytest.mark.parametrize(
    ("own", "unsent", "outcome"), [(6400, 0, PASS), (6336, 0, PASS), (6335, 0, FAIL), (6330, 5, FAIL)]
)
def test_what_waited_for_a_place_is_told_as_the_limits_lag(own, unsent, outcome):
    of = opened(
        counts=Counts(scheduled=6400, ok=6400 - unsent, dropped=unsent),
        refused=unsent,
        lag_ns=spread(0.01, 300, count=6400 - unsent),
        client=client(own_lag_ns=spread(0.01, 0.1, count=own)),
    )
    waits = OPEN | {"when_full": WhenFull.WAIT}
    found = check("places", of, whole=waits)
    assert found.outcome is outcome
    if outcome is FAIL:
        assert found.message.startswith(f"{6400 - own:,} of 6,400 arrivals found all 100 places in flight")
        assert "that lag is the limit's, neither the client's CPU nor the target's" in found.message
    state = State.VALID if outcome is PASS else State.SUSPECT
    assert judged(of, whole=waits)[0].state is state


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
        (OPEN | {"max_in_flight": None}, {"concurrency": None, "latency_ns": NOTHING}, 201, UNTESTABLE),
    ],
)
def test_connections_are_compared_with_what_can_be_in_flight(whole, changed, opened_them, outcome):
    of = healthy(**changed, client=client(connections_opened=opened_them))
    assert check("connections_reopened", of, whole=whole).outcome is outcome


@pytest.mark.parametrize(
    ("throttled_ms", "outcome"), [(0, PASS), (100, PASS), (101, FAIL), (None, UNTESTABLE)]
)
def test_target_throttled(throttled_ms, outcome):
    throttled_ns = None if throttled_ms is None else throttled_ms * MS
    found = check("target_throttled", healthy(target=target(cpu_throttled_ns=throttled_ns)))
    assert found.outcome is outcome
    if outcome is FAIL:
        assert found.message.startswith("the target's CPU limit held it back for 1% of the window")


@pytest.mark.parametrize(
    ("untold", "count", "says"),
    [
        ((), 6400, "there were requests enough"),
        (("p99",), 380, "p99 needs 381 requests, 380 were answered"),
        (("p95", "p99"), 72, "p95 needs 73 requests"),
        (("p90", "p95", "p99"), 34, "p90 needs 35 requests"),
        (("p50", "p90", "p95", "p99"), 3, "p50 needs 4 requests"),
        (("p99",), 6400, "requests without an answer leave p99 open"),
    ],
)
def test_samples(untold, count, says):
    latency = structs.replace(spread(count=count), **dict.fromkeys(untold))
    found = check("samples", healthy(latency_ns=latency))
    assert found.outcome is (UNTESTABLE if untold else PASS)
    assert found.message.startswith(says)


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        ({"in_flight_mean": 65.9}, PASS),
        ({"in_flight_mean": 66.0}, FAIL),
        ({"in_flight_mean": 62.0}, FAIL),
        ({"in_flight_mean": 66.0, "in_flight_error": 0.1}, PASS),
        ({"in_flight_mean": None}, UNTESTABLE),
        ({"in_flight_mean": 99.0, "window_ns": NS_PER_S - 1}, UNTESTABLE),
        ({"in_flight_mean": 99.0, "throughput_hz": 2.0}, UNTESTABLE),
        ({"in_flight_mean": 99.0, "findings": (Finding("worker_lost", "it was lost"),)}, UNTESTABLE),
    ],
)
def test_little(changed, outcome):
    assert check("little", healthy(**changed)).outcome is outcome


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        ({}, PASS),
        ({"target": target(requests_in_stage=7001)}, FAIL),
        ({"target": target(requests_in_stage=6999)}, FAIL),
        ({"target": target(requests_in_stage=None)}, UNTESTABLE),
        ({"target": None}, UNTESTABLE),
        ({"target": target(requests_in_stage=6999), "answered_total": 6990}, UNTESTABLE),
    ],
)
def test_target_count(changed, outcome):
    found = check("target_count", healthy(**changed))
    assert found.outcome is outcome
    assert ("somebody else loads the target" in found.message) == (found.actual == 1)


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        ({"target": target(busy_threads_mean=66.5)}, PASS),  # 3 % and 64 of 6,400
        ({"target": target(busy_threads_mean=66.7)}, FAIL),
        ({"target": target(busy_threads_mean=61.0)}, FAIL),
        (
            {"target": target(busy_threads_mean=90.0), "counts": Counts(scheduled=9, ok=8, timeout=1)},
            UNTESTABLE,
        ),
        ({"target": None}, UNTESTABLE),
    ],
)
def test_target_busy(changed, outcome):
    assert check("target_busy", healthy(**changed)).outcome is outcome


@pytest.mark.parametrize(
    ("queue_ms", "handler_ms", "outcome"), [(0, 100, PASS), (50, 50, PASS), (4, 99, PASS), (10, 99, FAIL)]
)
def test_target_inside(queue_ms, handler_ms, outcome):
    of = healthy(target=target(queue_ns=queue_ms * float(MS), handler_ns=handler_ms * float(MS)))
    assert check("target_inside", of).outcome is outcome


@pytest.mark.parametrize(("outlasted", "outcome"), [(0, PASS), (1, FAIL)])
def test_target_inside_is_of_every_answer_where_they_are_stamped(outlasted, outcome):
    of = healthy(outside_ns=spread(2, count=6399), outlasted=outlasted, target=target(queue_ns=50.0 * MS))
    found = check("target_inside", of)
    assert (found.outcome, found.actual, found.unit) == (outcome, outlasted, "requests")
    assert "6,399 stamped answers" in found.message


def test_stamps_are_compared_however_few_and_whoever_else_has_no_answer():
    few = healthy(
        window_ns=NS_PER_S // 2, outside_ns=spread(2, count=1), counts=Counts(scheduled=9, ok=1, timeout=8)
    )
    assert check("target_inside", few).outcome is PASS


@pytest.mark.parametrize(
    ("throughput_hz", "outcome"),
    [(320.0, PASS), (640.0, PASS), (665.0, PASS), (670.0, FAIL), (1.0, UNTESTABLE)],
)
def test_bound(throughput_hz, outcome):
    assert check("bound", healthy(throughput_hz=throughput_hz)).outcome is outcome


def test_a_stretch_with_more_arrivals_than_the_nominal_rate_is_within_the_bound():
    theory = Theory(service_ns=100.0 * MS, bound_hz=100.0, bound_ratio=1.2)
    of = opened(throughput_hz=120.0, theory=theory)
    assert check("bound", of, whole=OPEN).outcome is PASS


@pytest.mark.parametrize(
    ("first", "last", "outcome"),
    [
        (spread(100, count=3200), spread(105, count=3300), PASS),
        (spread(100, count=3200), spread(111, count=3200), FAIL),
        (spread(100, count=3200), spread(100, count=2800), FAIL),
        (spread(100, count=30), spread(100, count=40), PASS),  # chance
        (spread(100, count=30), spread(120, count=30), PASS),  # the intervals touch
        (NOTHING, spread(100, count=30), UNTESTABLE),
    ],
)
def test_stationary(first, last, outcome):
    assert check("stationary", healthy(halves=(first, last))).outcome is outcome


def test_a_queue_that_grows_is_said_to_be_one():
    of = opened(halves=(spread(100, count=3200), spread(900, count=3200)))
    assert "the target does not keep up with this rate" in check("stationary", of, whole=OPEN).message


def test_a_ramp_is_not_stationary_by_plan():
    of = opened(rate_to_hz=900.0, halves=(spread(100, count=3200), spread(900, count=9200)))
    assert check("stationary", of, whole=OPEN).outcome is UNTESTABLE
    assert check("warmed_up", of, whole=OPEN).outcome is UNTESTABLE


@pytest.mark.parametrize(
    ("counts", "p50s", "outcome", "seconds"),
    [
        ([640] * 10, [100] * 10, PASS, 0),
        ([100, 400, *[640] * 8], [100] * 10, FAIL, 2),
        ([640] * 10, [900, 300, 150, *[100] * 7], FAIL, 3),
        ([640, 630, 650, 645, 635] * 2, [100, 101, 99, 103, 97] * 2, PASS, 0),
        ([100, *[640] * 8], [100] * 9, UNTESTABLE, None),
    ],
)
def test_warmed_up(counts, p50s, outcome, seconds):
    found = check("warmed_up", healthy(slices=slices(counts, p50s)))
    assert (found.outcome, found.actual) == (outcome, seconds)


@pytest.mark.parametrize(
    ("values", "cut"),
    [
        ([5, 5, 5, 5], 0),
        ([9, 5, 5, 5, 5, 5], 1),
        ([9, 8, 7, 5, 5, 5, 5, 5], 3),
        ([1, 2, 3, 4, 5, 6, 7, 8], 4),
    ],
)
def test_mser_cuts_off_what_is_not_like_the_rest_and_at_most_half(values, cut):
    assert steady.mser([float(value) for value in values]) == cut


INVALID = [
    ("client_cpu", {"client": client(busiest_ratio=(1.0,))}),
    ("client_core", {"client": client(wanted_ratio=(1.0,))}),
    ("client_throttled", {"client": client(throttled_ratio=0.2)}),
    ("open_files", {"client": client(files_exhausted=3)}),
    ("lag", {"client": client(own_lag_ns=spread(1, 80))}),
    ("schedule", {"due": 6500}),
    ("sent", {"counts": Counts(scheduled=6400, ok=6000, dropped=400)}),
]
SUSPECT = [
    ("client_stolen", {"client": client(stolen_ratio=0.2)}),
    ("loop_stall", {"client": client(loop_stall_max_ns=NS_PER_S)}),
    ("places", {"counts": Counts(scheduled=6400, ok=6000, dropped=400), "refused": 400}),
    ("little", {"in_flight_mean": 80.0}),
    ("target_count", {"target": target(requests_in_stage=1)}),
    ("target_busy", {"target": target(busy_threads_mean=1.0)}),
    ("target_inside", {"target": target(queue_ns=50.0 * MS)}),
    ("target_inside", {"outside_ns": spread(2), "outlasted": 1}),
    ("stationary", {"halves": (spread(100, count=900), spread(200, count=900))}),
    ("warmed_up", {"slices": slices([1, *[640] * 9], [100] * 10)}),
]


NOTED = [
    ("connections_reopened", {"client": client(connections_opened=203)}),
    ("target_throttled", {"target": target(cpu_throttled_ns=101 * MS)}),
]


@pytest.mark.parametrize(("name", "changed"), NOTED)
def test_what_is_no_fault_of_the_measurement_is_a_finding_of_a_valid_stage(name, changed):
    found, checks = judged(opened(**changed), whole=OPEN)
    assert [each.name for each in checks if each.outcome is FAIL] == [name]
    assert found.state is State.VALID
    assert [each.name for each in found.findings] == [name]


@pytest.mark.parametrize(("name", "changed"), INVALID)
def test_what_the_client_ran_out_of_makes_its_stage_and_the_run_invalid(name, changed):
    found, checks = judged(opened(**changed), whole=OPEN)
    assert [each.name for each in checks if each.outcome is FAIL] == [name]
    assert name in trust.CLIENTS_OWN
    assert found.state is State.INVALID
    assert found.theory.bound_hz == 640.0
    assert found.theory.bound_ratio is None
    assert [each.name for each in found.findings] == [name]
    assert audit.verdict((*audit.checks((found,), 0), *checks), (found,)) is Verdict.INVALID


@pytest.mark.parametrize(("name", "changed"), SUSPECT)
def test_accounts_that_disagree_make_a_stage_suspect_and_leave_the_verdict(name, changed):
    found, checks = judged(opened(**changed), whole=OPEN)
    assert [each.name for each in checks if each.outcome is FAIL] == [name]
    assert found.state is State.SUSPECT
    assert found.theory.bound_ratio == 1.0
    assert [each.name for each in found.findings] == [name]
    assert audit.verdict((*audit.checks((found,), 0), *checks), (found,)) is Verdict.PASS


def test_a_stage_that_was_invalid_before_stays_so():
    found, _ = judged(healthy(state=State.INVALID, in_flight_mean=99.0))
    assert found.state is State.INVALID


def test_every_check_can_fail_in_one_of_these_tables():
    assert {name for name, _ in [*INVALID, *SUSPECT, *NOTED]} | {"bound", "samples"} == {
        each.name for each in judged(opened(), whole=OPEN)[1]
    }
