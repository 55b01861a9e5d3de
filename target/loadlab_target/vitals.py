"""What the master knows: the target's size, the accept queue, and what its container uses."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from loadlab_target.cgroup import Cgroup
from loadlab_target.listener import AcceptQueue, accept_overflows
from loadlab_target.processes import cpu_seconds
from loadlab_target.settings import Server


@dataclass(frozen=True, kw_only=True)
class Size:
    """What serves, and how many requests at once."""

    app: str
    server: Server
    workers: int
    threads: int | None
    """In each worker; 0 means without limit, None that the workers have no threads to count."""


@dataclass
class WorkersGone:
    """Workers that had booted, are gone, and were not stopped with the server."""

    ended: int = 0
    """Those that crashed or were killed."""
    replaced: int = 0
    """Those that had answered as many requests as `max_requests` lets them."""


class Vitals(Collector):
    """Reads at each scrape; what can't be read is absent from it."""

    def __init__(
        self,
        size: Size,
        *,
        accept_queue: Callable[[], AcceptQueue | None],
        worker_pids: Callable[[], Iterable[int]],
        gone: WorkersGone,
    ) -> None:
        self._size = size
        self._accept_queue = accept_queue
        self._worker_pids = worker_pids
        self._gone = gone
        self._cgroup = Cgroup()
        self._cpu_s = 0.0

    def collect(self) -> Iterator[Metric]:
        """Give every metric that can be read now."""
        yield from self._workers()
        yield from self._queue()
        yield from self._container()

    def _workers(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("target_workers", "Worker processes.", value=self._size.workers)
        if self._size.threads is not None:
            yield GaugeMetricFamily(
                "target_threads",
                "Threads in each worker; 0 means without limit.",
                value=self._size.threads,
            )
        yield CounterMetricFamily(
            "target_workers_ended",
            "Worker processes that crashed or were killed while the target served; each had a successor.",
            value=self._gone.ended,
        )
        yield CounterMetricFamily(
            "target_workers_replaced",
            "Worker processes that gunicorn replaced after max_requests.",
            value=self._gone.replaced,
        )
        info = GaugeMetricFamily(
            "target_info", "Which app runs under which server.", labels=["app", "server"]
        )
        info.add_metric([self._size.app, self._size.server], 1)
        yield info

    def _queue(self) -> Iterator[Metric]:
        if (queue := self._accept_queue()) is not None:
            yield GaugeMetricFamily(
                "target_accept_queue_depth",
                "Connections in the kernel that wait to be accepted.",
                value=queue.depth,
            )
            yield GaugeMetricFamily(
                "target_accept_queue_limit", "Connections that may wait to be accepted.", value=queue.limit
            )
        if (overflows := accept_overflows()) is not None:
            yield CounterMetricFamily(
                "target_accept_overflows",
                "Times that an accept queue was full, of any listener in the target's network namespace.",
                value=overflows,
            )

    def _container(self) -> Iterator[Metric]:
        usage = self._cgroup.read()
        cpu_s = usage.cpu_s if usage.cpu_s is not None else self._cpu_of_processes_s()
        if cpu_s is not None:
            yield CounterMetricFamily(
                "target_cpu_seconds",
                "CPU time of the target's container, or of the target's own processes where it runs in none.",
                value=cpu_s,
            )
        for name, text, value in (
            ("target_cpu_limit_cores", "CPU limit of the container.", usage.cpu_limit_cores),
            (
                "target_memory_bytes",
                "Memory of the container without inactive file cache.",
                usage.memory_bytes,
            ),
            ("target_memory_limit_bytes", "Memory limit of the container.", usage.memory_limit_bytes),
        ):
            if value is not None:
                yield GaugeMetricFamily(name, text, value=value)
        for name, text, value in (
            (
                "target_cpu_throttled_seconds",
                "Time that the container was held back by its CPU limit.",
                usage.throttled_s,
            ),
            (
                "target_cpu_throttled_periods",
                "Periods in which the container was held back by its CPU limit.",
                usage.throttled_periods,
            ),
        ):
            if value is not None:
                yield CounterMetricFamily(name, text, value=value)

    def _cpu_of_processes_s(self) -> float | None:
        cpu_s = cpu_seconds(self._worker_pids())
        if cpu_s is not None:
            # A worker that ends between two of the readings is missed for that moment; a counter never falls.
            self._cpu_s = max(self._cpu_s, cpu_s)
            return self._cpu_s
        return None
