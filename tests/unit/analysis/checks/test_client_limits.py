"""What the client can run out of, each check as a table: what it is given, and how it comes out."""

import pytest

from loadlab.clock import NS_PER_S
from loadlab.results.result import Counts, Finding, Shortage, State
from loadlab.scenarios import scenario
from loadlab.system.resources import Resource
from loadlab.workload.plan import WhenFull
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
    judged,
    opened,
    spread,
)


def lacking(resource):
    return (Shortage(resource=resource, count=3, limit=32),)


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
    assert check("client_cpu", by_client(cpu_peak_ratio=busiest)).outcome is outcome


@pytest.mark.parametrize(
    ("client_of", "cores", "busiest", "sentence"),
    [
        (
            ("task", "aiohttp", 1),
            2,
            (1.0,),
            "one event loop is at 100% of a core: use SCENARIO=pool or --transport wire",
        ),
        (("task", "wire", 1), 2, (1.0,), "one event loop is at 100% of a core: use SCENARIO=pool"),
        (("task", "aiohttp", 1), 1, (1.0,), "one event loop is at 100% of a core: use --transport wire"),
        (
            ("callback", "wire", 1),
            1,
            (0.95,),
            "one event loop is at 95% of a core: give the client more cores, or use fewer users",
        ),
        (
            ("pool", "aiohttp", 2),
            2,
            (1.0, 0.4),
            "1 of 2 event loops is at 100% of a core: use --transport wire",
        ),
        (("pool", "wire", 2), 8, (1.0, 0.99), "2 of 2 event loops are at 100% of a core: use --processes 8"),
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
            "one Python interpreter is at 110% of a core: use SCENARIO=pool",
        ),
        (
            ("threads", "requests", 1),
            1,
            (1.0,),
            "one Python interpreter is at 100% of a core: use SCENARIO=task",
        ),
    ],
)
def test_a_full_client_is_told_which_resource_ran_out_and_what_to_do(client_of, cores, busiest, sentence):
    scenario_name, transport, processes = client_of
    found = check(
        "client_cpu",
        by_client(cpu_peak_ratio=busiest),
        whole=CLOSED | {"processes": processes},
        scenario_name=scenario_name,
        cores=float(cores),
        transport=transport,
    )
    assert found.message.startswith(sentence)


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        ({"cpu_demand_ratio": (0.9,)}, PASS),
        ({"cpu_demand_ratio": (0.5, 0.97), "waited_ratio": (0.1, 0.5), "cpu_peak_ratio": (0.4, 0.47)}, FAIL),
        ({"cpu_demand_ratio": (1.0,), "cpu_peak_ratio": (0.95,)}, UNTESTABLE),
        ({"cpu_demand_ratio": (None,)}, UNTESTABLE),
    ],
)
def test_client_core(changed, outcome):
    found = check("client_core", by_client(**changed))
    assert found.outcome is outcome
    if outcome is FAIL:
        assert "waited for a core for up to 50% of a second, and ran for at most 47% of one" in found.message


def test_threads_that_wait_for_a_core_do_so_by_design():
    found = check(
        "client_core", by_client(cpu_demand_ratio=(1.5,)), scenario_name="threads", transport="requests"
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
        ("open_files", {"shortages": ()}, PASS),
        ("open_files", {"shortages": lacking(Resource.PORTS)}, PASS),
        ("open_files", {"shortages": lacking(Resource.FILES)}, FAIL),
        ("client_resources", {"shortages": lacking(Resource.FILES)}, PASS),
        ("client_resources", {"shortages": lacking(Resource.PORTS)}, FAIL),
        ("client_resources", {"shortages": lacking(Resource.MEMORY)}, FAIL),
        ("loop_stall", {"loop_stall_max_ns": 100 * MS}, PASS),
        ("loop_stall", {"loop_stall_max_ns": 101 * MS}, FAIL),
    ],
)
def test_what_else_a_client_can_run_out_of(name, changed, outcome):
    assert check(name, by_client(**changed)).outcome is outcome


@pytest.mark.parametrize(
    ("name", "resource", "words"),
    [
        ("open_files", Resource.FILES, ("3 requests", "open files ran out", "limit is 32", "ulimit -n")),
        ("client_resources", Resource.PORTS, ("3 requests", "local ports", "32", "ip_local_port_range")),
    ],
)
def test_a_shortage_names_the_resource_how_much_there_is_and_what_to_do(name, resource, words):
    told = check(name, by_client(shortages=lacking(resource))).message
    assert [word for word in words if word not in told] == []


@pytest.mark.parametrize("resource", [Resource.PORTS, Resource.FILES, Resource.MEMORY, Resource.BUFFERS])
def test_a_shortage_tells_each_load_to_ask_for_less_in_its_own_way(resource):
    lacked = by_client(shortages=lacking(resource))
    name = "open_files" if resource is Resource.FILES else "client_resources"

    assert "fewer users (--concurrency)" in check(name, lacked).message
    assert "--rate" not in check(name, lacked).message
    assert "a lower --rate" in check(name, lacked, whole=OPEN).message
    assert "a smaller batch" in check(name, lacked, whole=BATCH).message


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
            {"cpu_peak_ratio": (0.85,)},
            "one event loop is at 85% of a core in its busiest second; use SCENARIO=pool",
        ),
        ({"waited_ratio": (0.45,)}, "the client waited for a core for up to 45% of a second"),
        (
            {"waited_ratio": (None,)},
            "event loop was held up; use a lower --rate, or a calmer machine",
        ),
    ],
)
def test_a_late_client_is_told_why(changed, because):
    of = opened(client=client(own_lag_ns=spread(0.01, 20), **changed))
    found = check("lag", of, whole=OPEN)
    assert found.message.startswith(
        "the client sent 1 % of requests over 20.0 ms late (limit 5.00 ms: 5 % of p50, at least 1 ms)"
    )
    assert because in found.message


def test_only_an_open_load_is_told_to_lower_its_rate():
    late = client(own_lag_ns=spread(0.01, 20), waited_ratio=(None,))
    for plan, of, advice in (
        (OPEN, opened(client=late), "use a lower --rate"),
        (CLOSED, healthy(client=late), "use fewer users (--concurrency)"),
        (
            CLOSED | {"think_ns": 5},
            healthy(client=late),
            "use fewer users (--concurrency) or a longer --think",
        ),
    ):
        message = check("lag", of, whole=plan).message
        assert f"held up; {advice}, or a calmer machine" in message
        assert ("--rate" in message) == (plan is OPEN)
    throttled = client(throttled_ratio=0.2)
    for plan, of in ((CLOSED, healthy(client=throttled)), (BATCH, healthy(client=throttled, requests=9))):
        assert "--rate" not in check("client_throttled", of, whole=plan).message


def test_users_that_start_spread_over_their_think_time_have_no_common_start():
    cold = {"duration_ns": NS_PER_S, "warmup_ns": 0}
    few = {
        "counts": Counts(scheduled=400, ok=400),
        "concurrency": 64,
        "client": client(own_lag_ns=spread(0.01, 0.1)),
    }
    assert check("lag", healthy(**few), whole=cold).outcome is UNTESTABLE
    assert check("lag", healthy(**few), whole=cold | {"think_ns": NS_PER_S}).outcome is PASS
    together = cold | {"think_ns": NS_PER_S, "ramp_up_ns": 0}
    assert check("lag", healthy(**few), whole=together).outcome is UNTESTABLE


@pytest.mark.parametrize(
    ("scenario_name", "whole"),
    [("blocked-loop", CLOSED), ("task", BATCH), ("task", {"duration_ns": None})],
)
def test_lag_that_a_scenario_or_a_common_start_makes_by_design_is_not_held_against_the_client(
    scenario_name, whole
):
    of = healthy(client=client(own_lag_ns=spread(1, 500)))
    transport = scenario(scenario_name).TRAITS.transports[0].name
    few = of if whole is CLOSED else healthy(client=of.client, counts=Counts(scheduled=640, ok=640))
    found = check("lag", few, whole=whole, scenario_name=scenario_name, transport=transport)
    assert found.outcome is UNTESTABLE


def test_a_loop_that_blocks_by_design_may_stall():
    of = by_client(loop_stall_max_ns=NS_PER_S)
    found = check("loop_stall", of, scenario_name="blocked-loop", transport="requests")
    assert found.outcome is UNTESTABLE


@pytest.mark.parametrize(
    ("due", "halted", "outcome"),
    [(6400, False, PASS), (6401, False, FAIL), (6400, True, PASS), (6401, True, FAIL)],
)
def test_schedule(due, halted, outcome):
    assert check("schedule", opened(due=due, halted=halted), whole=OPEN).outcome is outcome


@pytest.mark.parametrize("name", ["schedule", "sent"])
def test_a_schedule_is_not_held_against_a_stage_that_lost_a_worker(name):
    of = opened(due=9000, findings=(Finding("worker_lost", "it was lost"),))
    assert check(name, of, whole=OPEN).outcome is UNTESTABLE


@pytest.mark.parametrize(
    ("processes", "scheduled", "dropped", "outcome"),
    [(1, 6400, 65, PASS), (1, 6400, 66, FAIL), (2, 6400, 66, PASS), (2, 10, 2, PASS), (2, 10, 3, FAIL)],
)
def test_what_a_halt_meets_on_its_way_is_not_the_clients_lateness(processes, scheduled, dropped, outcome):
    """64 in 6,400, the next one of each worker, and 0.64 that are due in a millisecond."""
    counts = Counts(scheduled=scheduled, ok=scheduled - dropped, dropped=dropped)
    of = opened(halted=True, processes=processes, counts=counts)
    assert check("sent", of, whole=OPEN).outcome is outcome


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
        assert "--max-in-flight (100) was reached for" in found.message


@pytest.mark.parametrize(
    ("waited", "unsent", "outcome"), [(0, 0, PASS), (64, 0, PASS), (65, 0, FAIL), (65, 5, FAIL)]
)
def test_what_waited_for_a_place_is_told_as_the_limits_lag(waited, unsent, outcome):
    of = opened(
        counts=Counts(scheduled=6400, ok=6400 - unsent, dropped=unsent),
        waited=waited,
        refused=unsent,
        lag_ns=spread(0.01, 300, count=6400 - unsent),
        client=client(own_lag_ns=spread(0.01, 0.1, count=6400)),
    )
    waits = OPEN | {"when_full": WhenFull.WAIT}
    found = check("places", of, whole=waits)
    assert found.outcome is outcome
    if outcome is FAIL:
        assert found.message.startswith(
            f"--max-in-flight (100) was reached for {waited + unsent:,} of 6,400 requests, and they were sent"
        )
        assert "use a higher --max-in-flight" in found.message
    state = State.VALID if outcome is PASS else State.SUSPECT
    assert judged(of, whole=waits)[0].state is state
