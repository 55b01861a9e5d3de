"""The figures of the measured tables: what follows from others does follow, and each verdict is its figures'.

What was measured can't be measured again here. So theory is computed anew from the measured S and rate, a
median from its rounds, and `ok`, `met` and `missed` from the limits in the same row.
"""

import re
import statistics

import pytest
from ground_truth import HIGH_RHO, THREADS, USERS
from rows import ROWS
from table import _limit, _outcome, told

from loadlab.analysis.erlang import mean_s, quantile_s
from loadlab.analysis.omission import Stall, latency_ns
from loadlab.analysis.theory import makespan_ns, most_in_flight
from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.scenarios import names, scenario
from loadlab.units import duration_ns
from loadlab.workload.plan import Stage
from loadlab.workload.traits import Workload
from support.fakes import plan
from support.measured import BENCH_TABLE, MEASURED, rows_of, section
from support.paused_target import PLACES, RATE_HZ, WINDOW_NS


def cells_of(name):
    """Return the rows of a measured table by their first cell."""
    table = MEASURED[name]
    return {row[0]: row[1:] for row in rows_of(section(table.page, table.section), table.header)}


def number(text):
    """Return the number that a cell begins with."""
    return float(re.match(r"[+-]?[\d,.]*\d", text)[0].replace(",", ""))


def ns(text):
    return duration_ns(text.replace(" ", ""), "a cell")


# --- ground truth ---

WIRE_S = (
    number(re.search(r"at rho 0\.05,\s+was ([\d.]+ ms)", section("docs/method.md", "Ground truth"))[1]) / 1e3
)
QUANTILES = {"mean": None, "p50": 0.5, "p90": 0.9, "p99": 0.99}


@pytest.mark.parametrize("figure", QUANTILES)
@pytest.mark.parametrize("rho", cells_of("latency beside Erlang C"))
def test_latency_beside_erlang_c_is_what_theory_says_of_the_measured_s_and_rate(rho, figure):
    _, service, rate, *cells = cells_of("latency beside Erlang C")[rho]
    cell = cells[list(QUANTILES).index(figure)]
    seen_ms, theory_ms, off, half_width, outcome = re.fullmatch(
        r"([\d.]+) / ([\d.]+) ms, ([+-][\d.]+)% ± ([\d.]+)% (ok|off|untestable)", cell
    ).groups()
    system = THREADS, number(rate), ns(service) / NS_PER_S
    quantile = QUANTILES[figure]
    expected_s = WIRE_S + (mean_s(*system) if quantile is None else quantile_s(*system, quantile))
    assert float(theory_ms) == pytest.approx(expected_s * 1e3, rel=0.01)
    assert float(off) == pytest.approx((float(seen_ms) / float(theory_ms) - 1) * 100, abs=0.25)
    allowed = max(float(half_width), 10 if float(rho) >= HIGH_RHO else 5)
    assert outcome == ("ok" if abs(float(off)) <= allowed else "off")


@pytest.mark.parametrize("rho", cells_of("latency beside Erlang C"))
def test_its_rate_makes_that_rho_with_the_service_that_was_asked_for(rho):
    _, service, rate, *_ = cells_of("latency beside Erlang C")[rho]
    assert number(rate) * 0.05 / THREADS == pytest.approx(float(rho), rel=0.05)
    assert 50 * NS_PER_MS < ns(service) < 54 * NS_PER_MS, "a wait of 50 ms and the handler's own work"


@pytest.mark.parametrize("users", USERS)
def test_throughput_beside_its_bound_is_ok_where_it_is_at_least_the_limit(users):
    ratio, limit, outcome = cells_of("throughput beside its bound")[str(users)]
    assert float(limit) == USERS[users]
    assert outcome == ("ok" if float(ratio) >= USERS[users] else "off")


# --- coordinated omission ---


def test_the_formulas_row_is_the_formula_and_the_due_moments_row_is_near_it():
    rows = cells_of("coordinated omission")
    base, p90, p95, p99, most = map(ns, rows["the formula"])
    stall = Stall(rate_hz=RATE_HZ, window_ns=WINDOW_NS, stall_ns=most - base, base_ns=base, places=PLACES)
    for told_ns, quantile in ((p90, 0.9), (p95, 0.95), (p99, 0.99)):
        assert told_ns == pytest.approx(latency_ns(stall, quantile), rel=0.01)
    due = list(map(ns, rows["open, from the due moment"]))
    assert due[1] == pytest.approx(p90, rel=0.05)
    assert due[2:] == pytest.approx([p95, p99, most], rel=0.02)


@pytest.mark.parametrize(
    "reading", ["closed, 2 users with think time, 100/s", "open, from the moment of sending"]
)
def test_the_other_readings_have_the_pause_in_their_maximum_alone(reading):
    rows = cells_of("coordinated omission")
    *quantiles, most = map(ns, rows[reading])
    assert most == pytest.approx(ns(rows["the formula"][-1]), rel=0.02)
    assert max(quantiles) < most / 10
    assert quantiles == sorted(quantiles)


# --- each way of calling ---


@pytest.mark.parametrize("name", names())
def test_each_way_of_calling_is_predicted_by_its_rounds_and_no_faster(name):
    cost, predicted, *_ = cells_of("each way of calling")[f"`{name}`"]
    traits = scenario(name).TRAITS
    batch = plan(scenario=name, workload=Workload.BATCH, stages=(Stage(requests=40),), processes=2)
    at_once = most_in_flight(batch, Stage(requests=40), traits)
    rounds = makespan_ns(40, at_once, 64, NS_PER_S) / NS_PER_S
    assert number(predicted) / rounds == pytest.approx(0.1, rel=0.05), "a round is a wait of 100 ms"
    assert number(cost) >= number(predicted)


@pytest.mark.parametrize("name", sorted(set(names()) - {"pool-map"}))
def test_its_closed_figures_keep_littles_law_and_the_bound(name):
    *_, replies, p50, bound = cells_of("each way of calling")[f"`{name}`"]
    users = 1 if "(1 user)" in replies else 12
    assert number(replies) * ns(p50) / NS_PER_S == pytest.approx(users, rel=0.05)
    assert number(replies) <= number(bound) * 1.02


# --- the bench ---


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.what)
def test_a_row_of_the_bench_has_the_median_of_its_rounds_and_that_medians_outcome(row):
    (cells,) = (
        cells for cells in rows_of(section("bench/README.md", "Speed"), BENCH_TABLE) if cells[0] == row.what
    )
    _, limit, median, rounds, outcome = cells
    values = list(map(float, rounds.split()))
    assert number(median) == statistics.median(values)
    assert median.endswith(row.unit)
    as_told = told(row, {row.of[0]: []}, {row.of[0]: "nothing"})
    assert limit == _limit(as_told) + ("" if row.aim is None else f" (aim {row.aim:g})")
    assert outcome.partition(":")[0] == _outcome(row, number(median), lost=0)
