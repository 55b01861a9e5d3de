"""The dashboard Concurrency: what more users bring, and which way of calling brings what."""

from grafana_foundation_sdk.builders.bargauge import Panel as Bars
from grafana_foundation_sdk.builders.stat import Panel as Number
from grafana_foundation_sdk.builders.xychart import Panel as Chart

from boards import stages
from boards.frame import board
from boards.panels import Query, advice, bars, limits, number
from boards.queries import CLIENT_LIMITED, last, of_runs
from boards.stages import CONCURRENCY, IN_FLIGHT, OF_BOUND, P50, P95, P99, THROUGHPUT, against

ADVICE = """\
A point is a **finished stage**, a line a run with one scenario; choose several runs to compare them.

1. **Throughput** rises with the users until something is full, and the bend is the knee. From there on
   **latency** rises instead, in proportion to the users.
2. A flat line from the first point on is a scenario with one request in flight, whatever the number of
   users.
3. *Of the bound* is the share of what the target's threads allow: about 100 % beyond the knee, or
   something else is the limit.
4. **Red squares** are stages in which the client was the limit. They say what the client can do and are no
   capacity of the target; the bars leave them out.

The axis is users of a closed stage, arrivals per second of an open one, and the size of a batch, so
compare like with like; the chart against requests in flight compares all of them.
"""
USERS = "users, arrivals per second, or size of the batch"


def build() -> bytes:
    """Return the dashboard's file."""
    return board(
        "loadlab-concurrency",
        "Concurrency",
        "Throughput and latency against concurrency, by scenario.",
        [
            ("", [advice(ADVICE, height=9)]),
            ("Against concurrency", [_throughput(), _of_bound(), *_latencies(), _in_flight()]),
            ("Scenarios compared", [_highest(), _quickest(), _limited()]),
            ("Stages", [stages.overview("Stages", STAGES, height=12)]),
        ],
    )


STAGES = (
    "Every finished stage of the chosen runs: the figures of result.json. `client limit`: the client was "
    "the limit, so the throughput is only `at least`."
)


def _throughput() -> Chart:
    return against(
        CONCURRENCY,
        THROUGHPUT,
        "Throughput against concurrency",
        "Completions in the window by its length. Red squares: the client was the limit.",
        x_axis=USERS,
    )


def _of_bound() -> Chart:
    return against(
        CONCURRENCY,
        OF_BOUND,
        "Share of the bound against concurrency",
        "Throughput as a share of min(users / S, workers x threads / S), S being the time that a request "
        "occupies a thread, measured by the target. Left open where it can't be told within 5 %.",
        x_axis=USERS,
    )


def _latencies() -> list[Chart]:
    return [
        against(
            CONCURRENCY,
            figure,
            f"Latency {figure.column} against concurrency",
            "Exact, from the run's own histogram. Left open where there are too few samples to tell.",
            x_axis=USERS,
            span=8,
        )
        for figure in (P50, P95, P99)
    ]


def _in_flight() -> Chart:
    return against(
        IN_FLIGHT,
        THROUGHPUT,
        "Throughput against requests in flight",
        "The same throughput against what was in flight on average, as sampled: this axis means the same "
        "for every workload.",
        x_axis="requests in flight, mean",
        span=24,
    )


def _measured(metric: str, *matchers: str) -> str:
    return f"{last(of_runs(metric, *matchers))} unless on (run, stage) ({CLIENT_LIMITED})"


def _highest() -> Bars:
    throughput = _measured(THROUGHPUT.metric)
    return bars(
        "Highest throughput",
        "Of the stages that are about the target: those in which the client was the limit do not count.",
        [Query(f"max by (scenario) ({throughput})", "{{scenario}}")],
        unit="reqps",
        span=10,
    )


def _quickest() -> Bars:
    median = _measured(P50.metric, P50.matcher)
    return bars(
        "Lowest median latency",
        "Of the stages that are about the target; with few users it is what a request takes when nobody "
        "waits.",
        [Query(f"min by (scenario) ({median})", "{{scenario}}")],
        unit="s",
        span=10,
    )


def _limited() -> Number:
    return number(
        "Stages limited by the client",
        "Stages of the chosen runs that say nothing about the target. What to do about it stands in the "
        "run's findings.",
        [Query(f"sum({last(of_runs('loadlab_stage_invalid'))}) or vector(0)")],
        unit="none",
    ).thresholds(limits((1, "red")))
