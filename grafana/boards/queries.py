"""PromQL that the dashboards share. Pure text; `$…` is Grafana's to replace.

Three rules stand here. Percentiles come from buckets that were added up, never from other percentiles. A
counter is asked for its rate before it is summed; its plain value is used only as a run's total, which it is
because every run has series of its own that begin at 0. What belongs to a run that is over is looked up in
the whole time range.
"""

RUNS = 'scenario=~"$scenario", run=~"$run"'
"""The runs that the viewer has chosen; a client without a run has none of them."""


def of_runs(metric: str, *matchers: str) -> str:
    """Select a client metric of the chosen runs."""
    return f"{metric}{{{', '.join((RUNS, *matchers))}}}"


def last(selector: str) -> str:
    """Give the last value that a series had in the time range, also if the series has ended."""
    return f"last_over_time({selector}[$__range])"


def rate(selector: str) -> str:
    """Give a counter's rate per second, over as short a time as the scrapes and the screen allow."""
    return f"rate({selector}[$__rate_interval])"


def sum_by(labels: str, expression: str) -> str:
    """Add up what differs in other labels than these."""
    return f"sum by ({labels}) ({expression})"


def quantile_now(quantile: float, histogram: str) -> str:
    """Give a quantile of what was observed around each moment; nothing where nothing was observed."""
    return f"histogram_quantile({quantile}, {sum_by('le', rate(histogram))})"


def mean_now(histogram: str, matchers: str = "") -> str:
    """Give the mean of what was observed around each moment."""
    total, count = (rate(f"{histogram}_{part}{{{matchers}}}") for part in ("sum", "count"))
    return f"sum({total}) / sum({count})"


def of_newest_run(expression: str) -> str:
    """Keep the newest of the chosen runs: the one that was seen last, since there is one load at a time."""
    return f"{expression} and on (run) topk(1, {last(of_runs('loadlab:run_seen_timestamp:max'))})"


def quantile_of_run(quantile: float) -> str:
    """Give a quantile of all latencies of the newest run; nothing before the first one."""
    buckets = sum_by("run, le", last(of_runs("loadlab_latency_seconds_bucket")))
    return of_newest_run(f"histogram_quantile({quantile}, {buckets}) >= 0")


STAGE_LABELS = "run, scenario, stage"
CLIENT_LIMITED = f"{last(of_runs('loadlab_stage_invalid'))} == 1"


def of_stages(metric: str, *matchers: str) -> str:
    """Give a figure of each finished stage, with the label `worth`: `measured`, or `client limit`.

    A stage in which the client was the limit shows what the client could do. Its label keeps it apart, so
    that it is never drawn or counted as the target's capacity.
    """
    told = f"max by ({STAGE_LABELS}) ({last(of_runs(metric, *matchers))})"
    return (
        f'label_replace({told} unless on (run, stage) ({CLIENT_LIMITED}), "worth", "measured", "", "")'
        f' or label_replace({told} and on (run, stage) ({CLIENT_LIMITED}), "worth", "client limit", "", "")'
    )


def or_zero(expression: str) -> str:
    """Give 0 where a target tells no such thing, and nothing where there is no target."""
    return f"{expression} or 0 * max(target_workers)"
