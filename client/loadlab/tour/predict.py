"""How long a step should take: arithmetic on figures that were measured before it. Pure.

A batch takes the rounds of docs/method.md, ceil(N / min(k, slots)) x S. Two things come on top:

- Requests that go out at once do not begin at once, because each costs target and client some CPU. A wave of
  `w` of them takes w x `crowd_ns` longer than one alone, as measured with waves of another, short delay.
- `Pool().map` takes as long to start, and to pass its tasks on, as it took with requests without any delay.

A loop that is out of CPU is limited by what there is of it: see `cpu_rate_hz`.
"""

import msgspec

from loadlab.analysis.omission import Stall, latency_ns
from loadlab.analysis.theory import makespan_ns, most_in_flight
from loadlab.clock import NS_PER_S
from loadlab.tour.events import Prediction
from loadlab.units import show_hz, show_ns
from loadlab.workload.plan import Plan
from loadlab.workload.traits import Traits


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How fast a target is, measured with a few requests before anything is predicted for it."""

    service_ns: float
    """S: how long a request occupies its place."""
    crowd_ns: float
    """By how much each of the requests that go out at once delays the last of them."""
    slots: int | None
    """How many requests it handles at once; None without a limit."""


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What a request costs when nothing is waited for, in CPU time."""

    client_ns: float
    sink_ns: float


def batch(plan: Plan, traits: Traits, pace: Pace) -> Prediction:
    """Predict a batch of processes that are up when it begins."""
    stage = plan.stages[0]
    requests = stage.requests or 1
    in_flight = most_in_flight(plan, stage, traits)
    wave = min(requests, in_flight, pace.slots or in_flight)
    rounds_ns = makespan_ns(requests, in_flight, pace.slots, pace.service_ns)
    rounds = round(rounds_ns / pace.service_ns)
    taking_in_ns = wave * pace.crowd_ns if wave > 1 else 0.0
    parts = [f"{rounds} × {show_ns(pace.service_ns)}"]
    if wave > 1:
        parts.append(f"{show_ns(taking_in_ns)} to take in {wave} at once")
    return Prediction(rounds_ns + taking_in_ns, " + ".join(parts))


def mapped(plan: Plan, traits: Traits, pace: Pace, immediate_ns: float) -> Prediction:
    """Predict a pool that is started first; `immediate_ns` is what the same took without a delay."""
    stage = plan.stages[0]
    requests = stage.requests or 1
    in_flight = most_in_flight(plan, stage, traits)
    rounds_ns = makespan_ns(requests, in_flight, pace.slots, pace.service_ns)
    rounds = round(rounds_ns / pace.service_ns)
    because = f"{show_ns(immediate_ns)} to start and map + {rounds} × {show_ns(pace.service_ns)}"
    return Prediction(immediate_ns + rounds_ns, because)


def stalled(stall: Stall, quantile: float) -> Prediction:
    """Predict a quantile of the latency from due of an open stage whose target stands still once."""
    left = f"{1 - stall.load:.2f}"
    share = f"{1 - quantile:.0%} of {show_ns(stall.window_ns)}"
    because = (
        f"a stop of {show_ns(stall.stall_ns)}, less {share} × {left}, + {show_ns(stall.base_ns)};"
        f" {left} of the places' rate is left to work off the line"
    )
    return Prediction(latency_ns(stall, quantile), because)


def cpu_rate_hz(processes: int, cores: float, cost: Cost) -> float:
    """Return the rate at which the first thing is out of CPU.

    A client process and the sink have one loop each, so neither can use more than one core; and all of them
    share the machine's: min(P / a, 1 / b, C / (a + b)), a and b being a request's CPU time there and here.
    """
    by_clients = min(processes, cores) / cost.client_ns
    by_sink = min(1.0, cores) / cost.sink_ns
    by_cores = cores / (cost.client_ns + cost.sink_ns)
    return min(by_clients, by_sink, by_cores) * NS_PER_S


def immediate(requests: int, processes: int, cores: float, cost: Cost) -> Prediction:
    """Predict requests without any delay, which only CPU limits; say what runs out of it first."""
    rate_hz = cpu_rate_hz(processes, cores, cost)
    clients = "the client's loop" if processes == 1 else f"the client's {processes} loops"
    limits = {
        f"{clients}": min(processes, cores) / cost.client_ns,
        "the sink's loop": min(1.0, cores) / cost.sink_ns,
        f"the machine's {cores:g} core{'' if cores == 1 else 's'}": cores / (cost.client_ns + cost.sink_ns),
    }
    first = min(limits, key=limits.__getitem__)
    return Prediction(
        requests / rate_hz * NS_PER_S, f"{requests:,} at {show_hz(rate_hz)}, when {first} can do no more"
    )
