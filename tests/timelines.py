"""Results of runs beside panels over time, whose windows are not a stage's: the bounds that a result sets.

A window of a panel may hold the end of one stage, a warm-up and the beginning of the next, so its figures lie
about those of the stages and seldom on them. `SPREAD` is how far a mean over a few seconds may be from those
of the stages, as a factor, and `BURST` what a rate may be above its mean, besides one burst of all users.
"""

from collections.abc import Iterable

from figures import CHARTS, NS_PER_S, Result, merged, stages
from loadlab.metrics.buckets import EDGES_S
from shown import Check, all_zero, as_drawn, at_most, between, bucket, of_runs, peaks

SPREAD = 2.0
BURST = 1.1
_CORES = 1.1
"""CPU time is counted in ticks, so a core can seem to give a little more than a second a second."""


def over_time(results: list[Result], *, every_second: bool) -> dict[str, Check]:
    """What is known of panels over time, by `board / panel / letter`; the newest result is the last."""
    return {
        **_of_the_load(results, every_second=every_second),
        **_of_the_client(results),
        **_of_times(results),
        **_of_the_target(results),
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
    return {
        "Run / Offered and achieved / A": rate,
        "Run / Offered and achieved / B": rate,
        "Target / Thread queue / A": at_most(_most_users(results)),
        "Target / Thread queue / B": at_most(_most_users(results)),
        "Target / Thread queue by worker / A": at_most(_most_users(results)),
        "Target / Accept queue / A": at_most(_most_users(results)),
        # Those of a stage before may not be closed yet.
        "Target / Connections / A": at_most(sum(stage["concurrency"] for _, _, stage in stages(results))),
    }


def _of_the_client(results: list[Result]) -> dict[str, Check]:
    longest_s = _longest_s(results)
    late_s = max(stage["lag_ns"]["max"] for _, _, stage in stages(results)) / NS_PER_S
    busiest = [busy for stage in results[-1]["stages"] for busy in stage["client"]["busiest_ratio"] if busy]
    known = {
        "Run / Saturation / B": at_most(_CORES),
        "Run / The client's own doing / A": at_most(EDGES_S[bucket(late_s)]),
        "Run / The client's own doing / B": between(1e-3, max(1e-3, 0.05 * EDGES_S[bucket(longest_s)])),
    }
    if busiest:
        known["Run / Client, busiest worker / A"] = between(max(busiest) / SPREAD, _CORES)
    return known


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
    return {
        "Run / Where the time goes: means / D": thread,
        "Run / Where the time goes: means / E": handler_mean,
        "Run / Where the time goes: p99 / A": at_most(EDGES_S[longest]),
        "Run / Where the time goes: p99 / B": at_most(most_s),
        "Run / Where the time goes: p99 / C": handler,
        "Run / Where the time goes: p99 / D": handler,
        "Target / Time of a request: means / A": at_most(max(told["queue"]) * SPREAD + 1e-3),
        "Target / Time of a request: means / B": thread,
        "Target / Time of a request: means / C": handler_mean,
        "Target / Time of a request: p50 and p99 / A": at_most(most_s),
        "Target / Time of a request: p50 and p99 / B": at_most(most_s),
        "Target / Time of a request: p50 and p99 / C": handler,
        "Target / Time of a request: p50 and p99 / D": handler,
    }


def _of_the_target(results: list[Result]) -> dict[str, Check]:
    newest = results[-1]
    cores = _CORES * newest["environment"]["cpu_count"]
    told = [stage["target"] for _, _, stage in stages(results)]
    memory = [target["memory_bytes"] for target in told if target["memory_bytes"] is not None]
    throttled = [target["cpu_throttled_ns"] for target in told if target["cpu_throttled_ns"] is not None]
    return {
        "Run / Saturation / C": at_most(cores),
        "Target / Most busy at once / A": between(1, newest["stages"][0]["target"]["threads"]),
        "Target / CPU / A": at_most(cores),
        "Target / CPU / B": at_most(cores) if throttled else all_zero,
        "Target / Memory / A": _about(memory) if memory else all_zero,
    }


def _about(values: list[float]) -> Check:
    return between(min(values) / SPREAD, max(values) * SPREAD)


def _longest_s(results: Iterable[Result]) -> float:
    return max(merged(result).get_max_value() for result in results) / NS_PER_S


def _most_users(results: list[Result]) -> int:
    return max(stage["concurrency"] for _, _, stage in stages(results))
