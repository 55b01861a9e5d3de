"""The dashboard Target: what the target says of itself."""

from grafana_foundation_sdk.builders.heatmap import Panel as Heat
from grafana_foundation_sdk.builders.stat import Panel as Number
from grafana_foundation_sdk.builders.timeseries import Panel as Lines

from boards.frame import board
from boards.panels import Query, advice, dashed, heat, lines, number
from boards.queries import mean_now, of_runs, or_zero, quantile_now, rate, sum_by

ADVICE = """\
The target's own account, whatever loads it; scenario and run choose what is marked as a run and what is
drawn of the client.

1. **Busy threads** at the dashed line: the pool is full, and new requests wait in the **thread queue** of
   their worker. Each worker has a queue of its own, so one may be full while another idles.
2. The **accept queue** fills only when a worker takes no more connections; when it overflows, the kernel
   makes clients wait for a second and longer.
3. **Time on the thread** is longer than the **handler** takes, and it is what bounds throughput: slots /
   time on the thread.
4. **CPU** at its limit with threads to spare: more threads will not help.

Threads and queue are of each worker. All else is the sum of the workers, because gunicorn's processes
share one account.
"""


def build() -> bytes:
    """Return the dashboard's file."""
    return board(
        "loadlab-target",
        "Target",
        "Threads, queues, time and resources of the system under load, by its own account.",
        [
            ("", [advice(ADVICE, height=8)]),
            ("At a glance", _summary()),
            (
                "Threads and queues",
                [_threads(), _queue(), _busy_by_worker(), _queue_by_worker(), _accept(), _overflows()],
            ),
            ("Time", [_handler_heat(), _means(), _tails()]),
            ("Requests and resources", [_requests(), _connections(), _cpu(), _memory()]),
        ],
    )


def _summary() -> list[Number]:
    served = "sum(increase(target_thread_seconds_{}[$__range]))"
    return [
        number(
            "Workers",
            "Worker processes.",
            [Query("max(last_over_time(target_workers[$__range]))")],
            unit="none",
        ),
        number(
            "Threads",
            "Threads in each worker; 0 means without a limit.",
            [Query("max(last_over_time(target_threads[$__range]))")],
            unit="none",
        ),
        number(
            "Most busy at once",
            "The most threads that were busy at once in one worker since it started.",
            [Query("max(last_over_time(target_busy_threads_peak[$__range]))")],
            unit="none",
        ),
        number(
            "Time on the thread",
            "Mean over the time range: S, which bounds throughput to slots / S.",
            [Query(f"{served.format('sum')} / {served.format('count')}")],
            unit="s",
        ),
        number(
            "Requests",
            "Requests that the target finished in the time range, whoever sent them. Extrapolated to its "
            "edges.",
            [Query("sum(increase(target_requests_total[$__range]))")],
            unit="short",
        ),
        number(
            "Accept queue overflows",
            "Times in the time range that an accept queue of the target's network namespace was full.",
            [Query("sum(increase(target_accept_overflows_total[$__range])) or vector(0)")],
            unit="none",
        ),
    ]


def _threads() -> Lines:
    panel = lines(
        "Busy threads",
        "Threads that are held by a connection, of all workers; the dashed line is how many there are.",
        [
            Query("sum(target_busy_threads)", "busy"),
            Query(or_zero("sum(target:slots:product)"), "threads (0: no limit)"),
        ],
        unit="none",
    )
    return dashed(panel, "threads (0: no limit)")


def _queue() -> Lines:
    return lines(
        "Thread queue",
        "Requests that wait for a thread in the workers' own queues, and what is in flight as the client "
        "sees it.",
        [
            Query("sum(target_thread_queue)", "waiting"),
            Query(f"sum({of_runs('loadlab_in_flight')})", "in flight (client)"),
        ],
        unit="none",
    )


def _busy_by_worker() -> Lines:
    return lines(
        "Busy threads by worker",
        "By the worker's number in order of birth; a worker that was replaced has a new one.",
        [Query(sum_by("worker", "target_busy_threads"), "worker {{worker}}")],
        unit="none",
    )


def _queue_by_worker() -> Lines:
    return lines(
        "Thread queue by worker",
        "Connections are not handed from one worker's queue to another's.",
        [Query(sum_by("worker", "target_thread_queue"), "worker {{worker}}")],
        unit="none",
    )


def _accept() -> Lines:
    panel = lines(
        "Accept queue",
        "Connections in the kernel that no worker has accepted yet, and how many may wait there. Not told "
        "outside of Linux.",
        [
            Query("max(target_accept_queue_depth)", "waiting"),
            Query("max(target_accept_queue_limit)", "limit"),
        ],
        unit="none",
    )
    return dashed(panel, "limit")


def _overflows() -> Lines:
    return lines(
        "Accept queue overflows over time",
        "Times per second that the accept queue was full: each is a connection that tries again after a "
        "second.",
        [Query(or_zero(f"sum({rate('target_accept_overflows_total')})"), "overflows")],
        unit="cps",
    )


def _handler_heat() -> Heat:
    return heat(
        "Time on the thread, heatmap",
        "How many requests per second occupied their thread for so long.",
        Query(sum_by("le", rate("target_thread_seconds_bucket")), "{{le}}"),
        unit="s",
    )


def _means() -> Lines:
    return lines(
        "Time of a request: means",
        "Handler: from the call of the app until its response was sent. Thread: from the first bytes "
        "until the thread was free. Queue: the wait for a thread. First bytes: a thread that waits for a "
        "silent client.",
        [
            Query(mean_now("target_queue_seconds"), "queue"),
            Query(mean_now("target_thread_seconds"), "thread"),
            Query(mean_now("target_handler_seconds"), "handler"),
            Query(mean_now("target_first_byte_wait_seconds"), "first bytes"),
        ],
        unit="s",
    )


def _tails() -> Lines:
    return lines(
        "Time of a request: p50 and p99",
        "From merged buckets, of all workers.",
        [
            Query(quantile_now(q, f"target_{part}_seconds_bucket"), f"{part} p{q * 100:.0f}")
            for part in ("queue", "handler")
            for q in (0.5, 0.99)
        ],
        unit="s",
    )


def _requests() -> Lines:
    return lines(
        "Requests finished",
        "By class of status. `none`: the app failed in a way that the server does not answer.",
        [Query(sum_by("status_class", rate("target_requests_total")), "{{status_class}}")],
        unit="reqps",
    )


def _connections() -> Lines:
    return lines(
        "Connections",
        "Connections that the workers hold: all open ones, and of these the idle ones that are kept alive.",
        [Query(sum_by("state", "target_connections"), "{{state}}")],
        unit="none",
    )


def _cpu() -> Lines:
    panel = lines(
        "CPU",
        "Cores that the target's container used, how long its limit held it back, and the limit.",
        [
            Query(f"sum({rate('target_cpu_seconds_total')})", "used"),
            Query(or_zero(f"sum({rate('target_cpu_throttled_seconds_total')})"), "held back"),
            Query(or_zero("max(target_cpu_limit_cores)"), "limit (0: none)"),
        ],
        unit="none",
    )
    return dashed(panel, "limit (0: none)")


def _memory() -> Lines:
    panel = lines(
        "Memory",
        "Memory of the target's container without inactive file cache, and its limit. Not told outside of "
        "a container.",
        [
            Query(or_zero("max(target_memory_bytes)"), "used"),
            Query(or_zero("max(target_memory_limit_bytes)"), "limit (0: none)"),
        ],
        unit="bytes",
    )
    return dashed(panel, "limit (0: none)")
