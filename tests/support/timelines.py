"""Results of runs and panels over time, whose windows are not a stage's: of what size each must be.

A window of a panel may hold the end of one stage, a warm-up and the beginning of the next, so its figures lie
about those of the stages and seldom on them. The highest of a panel is held to the same order of magnitude:
that finds a wrong unit, a share in the place of a sum, and a panel of zeros. Points that are further apart
than a second may miss a stage, so they have no least.
"""

from loadlab.metrics.buckets import EDGES_S
from support.figures import CHARTS, NS_PER_S, Result, merged, slots, stages
from support.shown import Check, all_zero, anything, as_drawn, of_runs, peaks

FACTOR = 10.0
_COUNTS_FROM = 1.0
"""A gauge that is below it on average may be 0 at every scrape."""
_SOME_S = 1e-9
"""A time is never zero."""
_QUANTILES = (0.5, 0.95, 0.99)


def over_time(results: list[Result], *, every_second: bool) -> dict[str, Check]:
    """What is known of panels over time, by `board / panel / letter`; the newest result is the last."""
    told = [stage for _, _, stage in stages(results)]
    targets = [stage["target"] for stage in told]

    def about(value: float, *, least: float = 0.0) -> Check:
        """Hold the highest to this size; of a value under the least, to that of the least and below."""
        low = value / FACTOR if every_second and value >= least else 0.0
        return peaks(low, max(value, least) * FACTOR)

    def seconds(value_s: float, most_s: float | None = None) -> Check:
        """Hold the highest time to this size; a tail of a short window may be as long as the longest."""
        low_s = value_s / FACTOR if every_second and value_s >= EDGES_S[0] else _SOME_S
        return peaks(low_s, max(value_s, EDGES_S[0], most_s or 0.0) * FACTOR)

    def of_targets(part: str, most_s: float | None = None) -> Check:
        return seconds(max(target[f"{part}_ns"] for target in targets) / NS_PER_S, most_s)

    def quantile(value: float, part: str = "latency") -> Check:
        all_ = merged(results, part)
        return seconds(all_.get_value_at_percentile(100 * value) / NS_PER_S, all_.get_max_value() / NS_PER_S)

    def mean(part: str) -> Check:
        return seconds(max(stage[f"{part}_ns"]["mean"] for stage in told) / NS_PER_S)

    rate = about(max(stage["throughput_hz"] for stage in told))
    flying = about(max(stage["in_flight_mean"] or 0.0 for stage in told), least=_COUNTS_FROM)
    busy = about(max(target["busy_threads_mean"] for target in targets), least=_COUNTS_FROM)
    # Little's law: as many wait as come in the time for which one waits.
    waiting = about(
        max(stage["throughput_hz"] * stage["target"]["queue_ns"] / NS_PER_S for stage in told),
        least=_COUNTS_FROM,
    )
    cpu = about(max(target["cpu_ratio"] or 0.0 for target in targets))
    memory = [target["memory_bytes"] for target in targets if target["memory_bytes"] is not None]
    throttled = any(target["cpu_throttled_ns"] is not None for target in targets)
    client = [busy for stage in told for busy in stage["client"]["cpu_peak_ratio"] if busy]
    # Of a wait for a thread a result has the mean alone, and its quantiles may be anything.
    longest_s = merged(results).get_max_value() / NS_PER_S
    some = peaks(_SOME_S, FACTOR * longest_s)
    queue, thread, handler = map(of_targets, ("queue", "thread", "handler"))
    thread_tail, handler_tail = (of_targets(part, longest_s) for part in ("thread", "handler"))
    known = {
        **{f"Run / Offered and achieved / {letter}": rate for letter in "AB"},
        **{f"Run / Latency / {letter}": quantile(q) for letter, q in zip("ABC", _QUANTILES, strict=True)},
        "Run / Concurrency / B": flying,
        "Run / Saturation / A": peaks(_SOME_S if every_second else 0.0, 1.0 + 1e-9),
        "Run / Saturation / C": cpu,
        "Run / Saturation / B": about(max(client, default=0.0)),
        "Run / Client, busiest worker / A": about(max(client, default=0.0)),
        "Run / The client's own doing / A": quantile(0.99, "lag"),
        "Run / The client's own doing / B": some,
        "Run / Where the time goes: means / A": mean("latency"),
        "Run / Where the time goes: means / B": mean("service"),
        "Run / Where the time goes: means / C": queue,
        "Run / Where the time goes: means / D": thread,
        "Run / Where the time goes: means / E": handler,
        "Run / Where the time goes: p99 / A": quantile(0.99),
        "Run / Where the time goes: p99 / B": some,
        "Run / Where the time goes: p99 / C": thread_tail,
        "Run / Where the time goes: p99 / D": handler_tail,
        "Target / Busy threads / A": busy,
        "Target / Busy threads by worker / A": busy,
        "Target / Most busy at once / A": peaks(1, slots(results[-1])),
        "Target / Thread queue / A": waiting,
        "Target / Thread queue by worker / A": waiting,
        "Target / Thread queue / B": flying,
        "Target / Connections / A": flying,
        "Target / Time of a request: means / A": queue,
        "Target / Time of a request: means / B": thread,
        "Target / Time of a request: means / C": handler,
        "Target / Time of a request: p50 and p99 / A": some,
        "Target / Time of a request: p50 and p99 / B": some,
        "Target / Time of a request: p50 and p99 / C": handler_tail,
        "Target / Time of a request: p50 and p99 / D": handler_tail,
        "Target / CPU / A": cpu,
        "Target / CPU / B": anything if throttled else all_zero,
        "Target / Memory / A": about(max(memory)) if memory else all_zero,
    }
    charts = {
        f"Concurrency / {title} / {column}": as_drawn for title, both in CHARTS.items() for column in both
    }
    ran = of_runs(result["run_id"] for result in results)
    return known | charts | {f"{board} / Measuring / Anno": ran for board in ("Run", "Concurrency", "Target")}
