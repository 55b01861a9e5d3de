"""The dashboard Run: what happens during a run, and its result."""

from grafana_foundation_sdk.builders.heatmap import Panel as Heat
from grafana_foundation_sdk.builders.stat import Panel as Number
from grafana_foundation_sdk.builders.statetimeline import Panel as States
from grafana_foundation_sdk.builders.timeseries import Panel as Lines
from grafana_foundation_sdk.models.common import BigValueTextMode

from boards import stages
from boards.frame import board
from boards.panels import Query, advice, dashed, heat, limits, lines, number, staircase, states, words
from boards.queries import (
    RUNS,
    last,
    mean_now,
    of_newest_run,
    of_runs,
    quantile_now,
    quantile_of_run,
    rate,
    sum_by,
)

ADVICE = """\
The **top row** sums up the newest of the chosen runs; its counts are those of `result.json`, and its
percentiles are of all stages together, exact to a bucket. The **stages** are at the bottom, as the console
prints them.

1. Does *achieved* follow *offered*? Where it stays behind, look at *saturation*: whatever reaches 100 %
   first is the limit.
2. If that is the **client**, nothing here is about the target: such a stage is `client limit` in the
   table.
3. If it is the target's **threads**, see *where the time goes*: the gap between what the client sees and
   what the handler takes is waiting, and it grows with the concurrency while throughput stands still.
"""


def build() -> bytes:
    """Return the dashboard's file."""
    return board(
        "loadlab-run",
        "Run",
        "A run from both ends of the wire, while it happens and afterwards.",
        [
            ("", [advice(ADVICE, height=6)]),
            ("The newest run", _summary()),
            ("Load", [_rates(), _errors(), _latency(), _saturation()]),
            ("Latency", [_heatmap(), _means(), _tails()]),
            ("What was asked", [_concurrency(), _own_doing(), _states()]),
            ("Stages", [stages.overview("Stages", STAGES)]),
        ],
    )


STAGES = (
    "Every finished stage of the chosen runs: the figures of result.json. A percentile with too few "
    "samples is left open. `client limit`: the client was the limit, so the throughput is only `at "
    "least`, and nothing of the row is the target's."
)


def _summary() -> list[Number]:
    counted = last(of_runs("loadlab_requests_total"))
    failed = last(of_runs("loadlab_requests_total", 'outcome!="ok"'))
    share = f"{sum_by('run', failed)} / ({sum_by('run', counted)} > 0)"
    state = f"{last(of_runs('loadlab_run_state'))} == 1"
    return [
        number(
            "State",
            "What the newest run is doing.",
            [Query(of_newest_run(f"max by (run, state) ({state})"), "{{state}}")],
            unit="none",
        ).text_mode(BigValueTextMode.NAME),
        number(
            "Requests",
            "Requests that were due in the measured windows: the sum of `scheduled` in result.json.",
            [Query(of_newest_run(sum_by("run", counted)), "{{run}}")],
            unit="none",
        ),
        number(
            "Errors",
            "Share of these that did not end ok: failed, timed out, dropped or never answered.",
            [Query(of_newest_run(share), "{{run}}")],
            unit="percentunit",
        ).thresholds(limits((1e-9, "orange"), (0.01, "red"))),
        number(
            "Latency of the run",
            "Of all requests due in the windows of all stages, from the moment when each was due. "
            "Interpolated within a bucket; the result file has exact percentiles of each stage.",
            [Query(quantile_of_run(q), f"p{q * 100:.0f}") for q in (0.5, 0.95, 0.99)],
            unit="s",
            span=8,
        ),
        number(
            "Client, busiest worker",
            "The most CPU that a client worker used in a second, in cores. From 90 % on the client is the "
            "limit.",
            [
                Query(
                    of_newest_run(
                        f"max by (run) (max_over_time({of_runs('loadlab:client_cpu_ratio:max')}[$__range]))"
                    )
                )
            ],
            unit="percentunit",
        ).thresholds(limits((0.7, "orange"), (0.9, "red"))),
    ]


def _rates() -> Lines:
    return lines(
        "Offered and achieved",
        "Offered: what the schedule of an open stage asks for, else what was sent. Achieved: completions "
        "of the last second. Sent: by the counter, warm-up and drain included.",
        [
            Query(f"sum({of_runs('loadlab_offered_requests_per_second')})", "offered"),
            Query(f"sum({of_runs('loadlab_achieved_requests_per_second')})", "achieved"),
            Query(f"sum({rate(of_runs('loadlab_sent_requests_total'))})", "sent"),
        ],
        unit="reqps",
    )


def _errors() -> Lines:
    failed = of_runs("loadlab_requests_total", 'outcome!="ok"')
    return lines(
        "Errors by outcome",
        "Requests due in the windows that did not end ok, per second. Dropped: due and never sent.",
        [Query(sum_by("outcome", rate(failed)), "{{outcome}}")],
        unit="reqps",
    )


def _latency() -> Lines:
    return lines(
        "Latency",
        "From the moment when a request was due until its reply was complete: what a user waits. From "
        "merged buckets.",
        [
            Query(quantile_now(q, of_runs("loadlab_latency_seconds_bucket")), f"p{q * 100:.0f}")
            for q in (0.5, 0.95, 0.99)
        ],
        unit="s",
    )


def _saturation() -> Lines:
    panel = lines(
        "Saturation",
        "What may run out: the target's threads (busy of all), a client worker's core, and the target's "
        "CPU (of its limit, or of one core where it has none). Whatever reaches 100 % first is the limit.",
        [
            Query("max(target:busy_threads:ratio)", "target threads"),
            Query(f"max({of_runs('loadlab:client_cpu_ratio:max')})", "client worker"),
            Query(
                "max(target:cpu_cores:rate5s / target_cpu_limit_cores) or max(target:cpu_cores:rate5s)",
                "target CPU",
            ),
        ],
        unit="percentunit",
    )
    return panel.axis_soft_max(1)


def _heatmap() -> Heat:
    return heat(
        "Latency heatmap",
        "Each column is a moment, each cell how many requests per second had that latency. Two bands are "
        "two kinds of requests, or of waiting, which no percentile tells apart.",
        Query(sum_by("le", rate(of_runs("loadlab_latency_seconds_bucket"))), "{{le}}"),
        unit="s",
    )


def _means() -> Lines:
    return lines(
        "Where the time goes: means",
        "Means add up: client latency is the client's lag, the way there and back, the wait for a thread, "
        "and the time on it. The gap between latency and handler is queueing; where it is not the thread "
        "queue, it is the accept queue, the network or the client.",
        [
            Query(mean_now("loadlab_latency_seconds", RUNS), "client: latency"),
            Query(mean_now("loadlab_service_time_seconds", RUNS), "client: service time"),
            Query(mean_now("target_queue_seconds"), "target: wait for a thread"),
            Query(mean_now("target_thread_seconds"), "target: time on the thread"),
            Query(mean_now("target_handler_seconds"), "target: handler"),
        ],
        unit="s",
    )


def _tails() -> Lines:
    return lines(
        "Where the time goes: p99",
        "The same at the 99th percentile. Percentiles do not add up: each line has a request of its own.",
        [
            Query(quantile_now(0.99, of_runs("loadlab_latency_seconds_bucket")), "client: latency"),
            Query(quantile_now(0.99, "target_queue_seconds_bucket"), "target: wait for a thread"),
            Query(quantile_now(0.99, "target_thread_seconds_bucket"), "target: time on the thread"),
            Query(quantile_now(0.99, "target_handler_seconds_bucket"), "target: handler"),
        ],
        unit="s",
    )


def _concurrency() -> Lines:
    panel = lines(
        "Concurrency",
        "Users of the running stage, requests in flight, and how many the target handles at once. Beyond "
        "that line more users only wait.",
        [
            Query(f"sum({of_runs('loadlab_concurrency')})", "users"),
            Query(f"sum({of_runs('loadlab_in_flight')})", "in flight"),
            Query("sum(target:slots:product)", "slots of the target"),
        ],
        unit="none",
    )
    return dashed(staircase(panel), "slots of the target")


def _own_doing() -> Lines:
    panel = lines(
        "The client's own doing",
        "Lag: how late requests were sent, at the 99th percentile, and its limit (5 % of the median "
        "latency, at least 1 ms). Stall: the worst time for which an event loop of this stage did not "
        "turn.",
        [
            Query(quantile_now(0.99, of_runs("loadlab_lag_seconds_bucket")), "lag p99"),
            Query(f"max({of_runs('loadlab:lag_limit_seconds:p50_5s')})", "limit of lag"),
            Query(f"max({of_runs('loadlab_loop_stall_seconds')})", "stall"),
        ],
        unit="s",
    )
    return dashed(panel, "limit of lag")


def _states() -> States:
    codes = {"warm-up": 1, "measuring": 2, "draining": 3}
    coded = " + ".join(
        str(code) + " * " + sum_by("run", of_runs("loadlab_run_state", f'state="{state}"'))
        for state, code in codes.items()
    )
    return states(
        "What each run was doing",
        "Warm-up is not measured; draining waits for what is in flight when the window is over.",
        Query(coded, "{{run}}"),
        words(
            _0=("idle", "text"), _1=("warm-up", "yellow"), _2=("measuring", "green"), _3=("draining", "blue")
        ),
    )
