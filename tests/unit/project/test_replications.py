"""The ground truth's statistics, on queues that are simulated and so known."""

import heapq
import math
import random

import numpy as np
import pytest
from replications import Cell, Replication, _decoded, cells, half_width, together

from loadlab.recording.histogram import Histogram

THREADS, SERVICE_S, WINDOW_S = 8, 0.05, 20.0


def simulated(rho, seed, slower=1.0):
    """Return one run of M/M/8, its latencies made so many times as long."""
    rng = random.Random(seed)
    free, latencies_s, services_s, now_s = [0.0] * THREADS, [], [], 0.0
    while now_s < WINDOW_S:
        now_s += rng.expovariate(rho * THREADS / SERVICE_S)
        services_s.append(rng.expovariate(1 / SERVICE_S))
        ends_s = max(heapq.heappop(free), now_s) + services_s[-1]
        heapq.heappush(free, ends_s)
        latencies_s.append((ends_s - now_s) * slower)
    latency = Histogram()
    latency.record((np.array(latencies_s) * 1e9).astype(np.int64))
    return Replication(WINDOW_S, len(latencies_s), len(services_s), sum(services_s), latency)


def test_a_distribution_comes_back_from_a_result_bucket_for_bucket():
    written = simulated(0.5, 1).latency
    assert written.mean_ns is not None
    read = _decoded(written.encode(), written.mean_ns, written.max_ns)
    assert np.array_equal(read.counts, written.counts)
    assert (read.count, read.sum_ns, read.max_ns) == (written.count, written.sum_ns, written.max_ns)


def test_a_queue_that_is_what_theory_describes_is_ok():
    found = cells([simulated(0.5, seed) for seed in range(8)], THREADS, 0.0, tolerance=0.05)
    assert {name: cell.outcome for name, cell in found.items()} == dict.fromkeys(found, "ok")
    assert all(cell.half_width < 0.1 for cell in found.values())


def test_a_client_that_adds_a_sixth_to_every_latency_is_off():
    found = cells([simulated(0.5, seed, slower=7 / 6) for seed in range(8)], THREADS, 0.0, tolerance=0.05)
    assert {cell.outcome for cell in found.values()} == {"off"}


@pytest.mark.parametrize(
    ("measured_s", "wide", "outcome"),
    [
        (1.04, 0.01, "ok"),
        (1.08, 0.09, "ok"),
        (1.08, 0.03, "off"),
        (1.0, 0.11, "untestable"),
        (1.2, 0.11, "off"),
    ],
)
def test_a_figure_is_ok_within_five_percent_or_an_interval_that_is_narrow_enough(measured_s, wide, outcome):
    assert Cell(measured_s, 1.0, half_width=wide, tolerance=0.05).outcome == outcome


def test_a_quantile_of_too_few_requests_is_untestable():
    few = [simulated(0.05, seed) for seed in range(3)]
    assert cells(few, THREADS, 0.0, tolerance=0.05)["p99"].outcome == "untestable"


def test_the_jackknife_of_a_mean_is_the_textbooks_interval():
    """For a mean, pseudo-values are the values: t * s / sqrt(n), with t = 2.776 of 4 degrees of freedom."""
    values = [1.0, 2.0, 4.0, 4.0, 9.0]
    rest = [(sum(values) - value) / 4 for value in values]
    expected = 2.776 * np.std(values, ddof=1) / math.sqrt(5)
    assert half_width(sum(values) / 5, rest) == pytest.approx(expected)


def test_runs_add_up():
    one, other = simulated(0.3, 1), simulated(0.6, 2)
    both = together([one, other])
    assert both.scheduled == one.scheduled + other.scheduled == both.latency.count
    assert both.rate_hz == pytest.approx((one.rate_hz + other.rate_hz) / 2)
    assert both.service_s == pytest.approx((one.thread_s + other.thread_s) / (one.served + other.served))
