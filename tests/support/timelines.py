"""Results of runs beside panels over time, whose windows are not a stage's: the bounds that a result sets.

A window of a panel may hold the end of one stage, a warm-up and the beginning of the next, so its figures lie
about those of the stages and seldom on them. `SPREAD` is how far a mean over a few seconds may be from those
of the stages, as a factor, and `BURST` what a rate may be above its mean, besides one burst of all users.

What has an upper bound has a lower one too, as far as a result sets one, so a panel of zeros is wrong: no
mean and no quantile of all is above the highest of the windows that it is made of, and the samples of a gauge
come near to its mean in the stage in which that is highest. Points that are further apart than a second may
miss a stage.
"""

from collections.abc import Iterable

from loadlab.metrics.buckets import EDGES_S
from support.figures import CHARTS, NS_PER_S, Result, mean_s, merged, slots, stages, target_mean_s
from support.shown import Check, all_zero, as_drawn, at_most, between, bucket, of_runs, peaks, under

SPREAD = 2.0
BURST = 1.1
_CORES = 1.1
"""CPU time is counted in ticks, so a core can seem to give a little more than a second a second."""
_QUANTILES = (0.5, 0.95, 0.99)


def over_time(results: list[Result], *, every_second: bool) -> dict[str, Check]:
    """What is known of panels over time, by `board / panel / letter`; the newest result is the last."""
    return {
        **_of_the_load(results, every_second=every_second),
        **_of_the_client(results, every_second=every_second),
        **_of_latencies(results),
        **_of_times(results),
        **_of_the_threads(results, every_second=every_second),
        **_of_the_target(results, every_second=every_second),
        **{
            f"Concurrency / {title} / {column}": as_drawn for title, both in CHARTS.items() for column in both
        },
        **{
            f"{board} / Measuring / Anno": of_runs(result["run_id"] for result in results)
            for board in ("Run", "Concurrency", "Target")
        },
    }


def _of_the_load(results: list[Result], *, every_second: bool) -> dict[str, Check]:
    highest_hz = max(stage["throughput_hz"] for _, _, stage in stages(results))
    most = BURST * highest_hz + _most_users(results)
    rate = peaks(0.8 * highest_hz if every_second else 0.0, most)
    flying = _sampled(_most_in_flight(results), every_second=every_second)
    return {
        "Run / Offered and achieved / A": rate,
        "Run / Offered and achieved / B": rate,
        "Run / Concurrency / B": peaks(flying, _most_users(results)),
        "Target / Thread queue / B": peaks(flying, _most_users(results)),
        # A request in flight has a connection. Those of a stage before may not be closed yet.
        "Target / Connections / A": peaks(
            flying, sum(stage["concurrency"] for _, _, stage in stages(results))
        ),
    }


def _of_the_client(results: list[Result], *, every_second: bool) -> dict[str, Check]:
    longest_s = _longest_s(results)
    late_s = max(stage["lag_ns"]["max"] for _, _, stage in stages(results)) / NS_PER_S
    busiest = _busiest(results)
    known = {
        "Run / Saturation / B": peaks(busiest / SPREAD if every_second else 0.0, _CORES),
        "Run / The client's own doing / A": _quantile(results, "lag", 0.99, EDGES_S[bucket(late_s)]),
        "Run / The client's own doing / B": between(1e-3, max(1e-3, 0.05 * EDGES_S[bucket(longest_s)])),
    }
    if of_newest := _busiest(results[-1:]):
        known["Run / Client, busiest worker / A"] = between(of_newest / SPREAD, _CORES)
    return known


def _of_latencies(results: list[Result]) -> dict[str, Check]:
    longest_s = _longest_s(results)
    most_s = EDGES_S[bucket(longest_s)]
    known = {
        f"Run / Latency / {letter}": _quantile(results, "latency", q, most_s)
        for letter, q in zip("ABC", _QUANTILES, strict=True)
    }
    return known | {
        "Run / Where the time goes: p99 / A": _quantile(results, "latency", 0.99, most_s),
        "Run / Where the time goes: means / A": peaks(mean_s(results, "latency") / SPREAD, longest_s),
        "Run / Where the time goes: means / B": peaks(mean_s(results, "service") / SPREAD, longest_s),
        "Run / Where the time goes: means / C": peaks(target_mean_s(results, "queue") / SPREAD, longest_s),
    }


def _of_times(results: list[Result]) -> dict[str, Check]:
    told: dict[str, list[float]] = {
        part: [stage["target"][f"{part}_ns"] / NS_PER_S for _, _, stage in stages(results)]
        for part in ("thread", "handler", "queue")
    }
    longest = bucket(_longest_s(results))
    # A warm-up, which the target counts as well, may take longer than anything after it.
    most_s = EDGES_S[min(longest + 1, len(EDGES_S) - 1)]
    least = max(bucket(0.95 * min(told["handler"])) - 1, 0)
    handler = between(EDGES_S[least], most_s)
    thread, handler_mean = _about(told["thread"]), _about(told["handler"])
    # Of a wait for a thread a result has the mean alone: p99 is not far below it, and p50 may be anything.
    waited_s = target_mean_s(results, "queue") / SPREAD
    waited_p99 = peaks(under(waited_s), most_s, least=_least_s(0.99))
    return {
        "Run / Where the time goes: means / D": thread,
        "Run / Where the time goes: means / E": handler_mean,
        "Run / Where the time goes: p99 / B": waited_p99,
        "Run / Where the time goes: p99 / C": handler,
        "Run / Where the time goes: p99 / D": handler,
        "Target / Time of a request: means / A": peaks(waited_s, max(told["queue"]) * SPREAD + 1e-3),
        "Target / Time of a request: means / B": thread,
        "Target / Time of a request: means / C": handler_mean,
        "Target / Time of a request: p50 and p99 / A": between(_least_s(0.5), most_s),
        "Target / Time of a request: p50 and p99 / B": waited_p99,
        "Target / Time of a request: p50 and p99 / C": handler,
        "Target / Time of a request: p50 and p99 / D": handler,
    }


def _of_the_threads(results: list[Result], *, every_second: bool) -> dict[str, Check]:
    target = results[-1]["stages"][0]["target"]
    workers = target["workers"]
    busy = _sampled(
        max(stage["target"]["busy_threads_mean"] for _, _, stage in stages(results)),
        every_second=every_second,
    )
    # Little's law: as many wait as come in the time for which one waits.
    waiting = _sampled(
        max(s["throughput_hz"] * s["target"]["queue_ns"] / NS_PER_S for _, _, s in stages(results)),
        every_second=every_second,
    )
    return {
        "Run / Saturation / A": peaks(busy / slots(results[-1]), 1.0 + 1e-9),
        "Target / Busy threads / A": peaks(busy, slots(results[-1])),
        "Target / Busy threads by worker / A": peaks(busy / workers, target["threads"]),
        "Target / Most busy at once / A": between(1, target["threads"]),
        "Target / Thread queue / A": peaks(waiting, _most_users(results)),
        "Target / Thread queue by worker / A": peaks(waiting / workers, _most_users(results)),
        "Target / Accept queue / A": at_most(_most_users(results)),
    }


def _of_the_target(results: list[Result], *, every_second: bool) -> dict[str, Check]:
    most = _CORES * results[-1]["environment"]["cpu_count"]
    told = [stage["target"] for _, _, stage in stages(results)]
    memory = [target["memory_bytes"] for target in told if target["memory_bytes"] is not None]
    throttled = [target["cpu_throttled_ns"] for target in told if target["cpu_throttled_ns"] is not None]
    # Its windows of up to five seconds may hold no more than a half of a short stage.
    used = max(target["cpu_ratio"] or 0.0 for target in told) / SPREAD**2 if every_second else 0.0
    return {
        "Run / Saturation / C": peaks(used / _cpu_limit(results[-1]), most),
        "Target / CPU / A": peaks(used, most),
        "Target / CPU / B": at_most(most) if throttled else all_zero,
        "Target / Memory / A": _about(memory) if memory else all_zero,
    }


def _sampled(mean: float, *, every_second: bool) -> float:
    """What the highest sample of a gauge reaches by its mean in a stage; what is seldom there is missed."""
    return mean / SPREAD if every_second and mean >= 1 else 0.0


def _quantile(results: list[Result], part: str, quantile: float, most_s: float) -> Check:
    of_all_s = merged(results, part).get_value_at_percentile(100 * quantile) / NS_PER_S
    return peaks(under(of_all_s / SPREAD), most_s, least=_least_s(quantile))


def _least_s(quantile: float) -> float:
    """What a quantile is at least: all in the first bucket, it is this share of it."""
    return 0.98 * quantile * EDGES_S[0]


def _about(values: list[float]) -> Check:
    return between(min(values) / SPREAD, max(values) * SPREAD)


def _longest_s(results: Iterable[Result]) -> float:
    return merged(results).get_max_value() / NS_PER_S


def _most_users(results: list[Result]) -> int:
    return max(stage["concurrency"] for _, _, stage in stages(results))


def _most_in_flight(results: list[Result]) -> float:
    return max(stage["in_flight_mean"] or 0.0 for _, _, stage in stages(results))


def _busiest(results: list[Result]) -> float:
    """CPU of a client worker in its busiest second."""
    told = [busy for _, _, stage in stages(results) for busy in stage["client"]["busiest_ratio"] if busy]
    return max(told, default=0.0)


def _cpu_limit(result: Result) -> float:
    """Of the target's container, in cores; where there is none, the panel shows cores."""
    target = (result["stages"][0]["containers"] or {}).get("target")
    return (target and target["cpu_limit_cores"]) or 1.0
