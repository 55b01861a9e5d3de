"""Loads on simulated queues, many runs at once, and what the lab's client would have recorded of them.

A worker of the target is a queue before `threads` servers, first come, first served. All runs take each step
together, as columns of arrays: a thousand runs of a minute take seconds.
"""

import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from loadlab.clock import NS_PER_MS, NS_PER_S, NS_PER_US
from loadlab.recording.histogram import Int64s, Sparse
from loadlab.recording.recorder import Recorder
from loadlab.recording.seconds import Slice
from loadlab.recording.window import Window

Floats = npt.NDArray[np.float64]
Pace = Callable[[Floats], Floats]
"""How many times as long service takes that begins at these moments."""

LOOK_NS = 10 * NS_PER_MS
_LOOKS = NS_PER_S // LOOK_NS
WARMUP_S = 8.0
"""At rho 0.85 an empty queue has forgotten by then that it was empty."""


class Target(NamedTuple):
    """One worker with so many threads."""

    threads: int
    service_s: float
    constant: bool = False
    """Whether service always takes that long; otherwise it is exponential."""

    def services(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
        """Draw service times."""
        if self.constant:
            return np.full(shape, self.service_s)
        return rng.exponential(self.service_s, shape)


def steady(_: Floats) -> Floats:
    """Nothing changes."""
    return np.ones_like(_)


def step_up(window_s: float, times: float = 1.25) -> Pace:
    """Service takes so many times as long from the middle of the window on."""
    return lambda at_s: np.where(at_s >= window_s / 2, times, 1.0)


def slow_start(window_s: float, times: float = 2.0) -> Pace:
    """Service takes so many times as long in the first fifth of the window."""
    return lambda at_s: np.where((at_s >= 0) & (at_s < window_s / 5), times, 1.0)


class Servers:
    """The threads of one target in each of several runs."""

    def __init__(self, runs: int, threads: int) -> None:
        self._free_s = np.full((runs, threads), -np.inf)
        self._runs = np.arange(runs)

    def serve(self, due_s: Floats, service_s: Floats, pace: Pace) -> Floats:
        """Serve the next request of each run, in order of due time; return when it is done."""
        thread = self._free_s.argmin(axis=1)
        begins_s = np.maximum(self._free_s[self._runs, thread], due_s)
        done_s = begins_s + service_s * pace(begins_s)
        self._free_s[self._runs, thread] = done_s
        return done_s


def open_load(
    target: Target,
    rho: float,
    window_s: float,
    runs: int,
    rng: np.random.Generator,
    *,
    pace: Pace = steady,
    constant_rate: bool = False,
) -> tuple[Floats, Floats]:
    """Return due and done, in seconds from the window's start, of shape (runs, requests)."""
    rate_hz = rho * target.threads / target.service_s
    mean = rate_hz * (WARMUP_S + window_s)
    requests = int(mean + (0 if constant_rate else 6 * np.sqrt(mean))) + 1
    gaps_s = (
        np.full((runs, requests), 1 / rate_hz)
        if constant_rate
        else rng.exponential(1 / rate_hz, (runs, requests))
    )
    due_s = np.cumsum(gaps_s, axis=1) - WARMUP_S
    services_s = target.services(rng, (runs, requests))
    servers = Servers(runs, target.threads)
    done_s = np.empty_like(due_s)
    for number in range(requests):
        done_s[:, number] = servers.serve(due_s[:, number], services_s[:, number], pace)
    return due_s, done_s


def closed_load(
    target: Target,
    users: int,
    window_s: float,
    runs: int,
    rng: np.random.Generator,
    *,
    pace: Pace = steady,
    think_s: float = 0.0,
) -> tuple[Floats, Floats]:
    """Return the same of so many users, who think for an exponential time of this mean."""
    servers, each = Servers(runs, target.threads), np.arange(runs)
    next_s = rng.uniform(0, think_s, (runs, users)) - WARMUP_S
    due, done = [], []
    while True:
        user = next_s.argmin(axis=1)
        due_s = next_s[each, user]
        if due_s.min() >= window_s:
            return np.array(due).T, np.array(done).T
        done_s = servers.serve(due_s, target.services(rng, (runs,)), pace)
        next_s[each, user] = done_s + (rng.exponential(think_s, runs) if think_s else 0.0)
        due.append(due_s)
        done.append(done_s)


def recorded(due_s: Floats, done_s: Floats, window_s: float) -> Recorder:
    """Return the seconds that a client records of one run: its completions and what is in flight.

    As `Recorder.take` and `Recorder.observe_in_flight` make them, in a tenth of the time.
    """
    counted = Recorder(Window(0, round(window_s * NS_PER_S)))
    due, done = _ns(due_s), _ns(done_s)
    in_order = np.argsort(done)
    done, latency = done[in_order], (done - due)[in_order]
    seconds = np.arange(0, counted.window.length_ns + 1, NS_PER_S)
    edges = np.searchsorted(done, seconds).tolist()
    for second, (first, last) in enumerate(itertools.pairwise(edges)):
        counted.slices[second] = Slice(latency=Sparse.of(latency[first:last]))
    _look(counted, np.sort(due), done)
    return counted


def _look(counted: Recorder, due: Int64s, done: Int64s) -> None:
    """Look every 10 ms at what is in flight."""
    looks = np.arange(0, counted.window.length_ns, LOOK_NS) + LOOK_NS // 2
    in_flight = np.searchsorted(due, looks, "right") - np.searchsorted(done, looks, "right")
    counted.in_flight_integral_ns = int(in_flight.sum()) * LOOK_NS
    counted.in_flight_squares_us = int((in_flight**2).sum()) * LOOK_NS // NS_PER_US
    for second, part in counted.slices.items():
        here = in_flight[second * _LOOKS : (second + 1) * _LOOKS]
        part.in_flight_integral_ns = int(here.sum()) * LOOK_NS


def _ns(seconds: Floats) -> Int64s:
    return np.rint(seconds * NS_PER_S).astype(np.int64)
