"""Which ways of calling are calibrated, and the plan of each. Pure.

By default every scenario that can be driven closed, on each of its transports; a scenario that takes many
processes with one, and with one for each core.
"""

from typing import NamedTuple

from loadlab.analysis.ceilings import named
from loadlab.clock import NS_PER_MS
from loadlab.errors import UsageError
from loadlab.scenarios import names, scenario
from loadlab.workload.capacity import Capacity
from loadlab.workload.plan import MOST_PROCESSES, Plan, Request, Stage
from loadlab.workload.traits import Traits, Workload

_USERS_EACH = 32
"""Of a process: enough that its loop never idles, and its threads do not only wait for one another."""
_MOST_USERS = 512
_WARMUP_NS = 300 * NS_PER_MS


class Row(NamedTuple):
    """A way of calling."""

    scenario: str
    transport: str
    processes: int

    def __str__(self) -> str:
        """Name it."""
        return named(*self)


class RowFilter(NamedTuple):
    """Which rows are asked for; what is empty stands for everything."""

    scenarios: tuple[str, ...] = ()
    transports: tuple[str, ...] = ()
    processes: tuple[int, ...] = ()


def closed() -> dict[str, Traits]:
    """Return the scenarios that have a ceiling: those that a closed workload can drive."""
    all_traits = (scenario(name).TRAITS for name in names())
    return {traits.name: traits for traits in all_traits if Workload.CLOSED in traits.workloads}


def rows(asked: RowFilter, cores: float) -> tuple[Row, ...]:
    """Return what to measure; raise UsageError where a part of what was asked for has no row."""
    found = _rows(asked, cores)
    for processes in asked.processes:
        if processes > MOST_PROCESSES:
            raise UsageError(f"--processes: {processes:,} are more than {MOST_PROCESSES:,}")
        if not any(row.processes == processes for row in found):
            raise UsageError(
                f"--processes: nothing that was asked for runs in {processes}; {_many()} takes more than 1"
            )
    for transport in asked.transports:
        if not any(row.transport == transport for row in found):
            others = _rows(asked._replace(transports=()), cores)
            takes = " or ".join(dict.fromkeys(row.transport for row in others))
            raise UsageError(
                f"--transport: nothing that was asked for runs on {transport!r}; it takes {takes}"
            )
    for name in asked.scenarios:
        if not any(row.scenario == name for row in found):
            others = _rows(asked._replace(scenarios=()), cores)
            takes = " or ".join(dict.fromkeys(row.scenario for row in others))
            raise UsageError(f"--scenario: the other options leave nothing of {name}; they take {takes}")
    return found


def plan(row: Row, duration_ns: int, target: str, capacity: Capacity) -> Plan:
    """Return the plan that finds a row's ceiling: users that do not think; the target answers at once."""
    return Plan(
        scenario=row.scenario,
        transport=row.transport,
        workload=Workload.CLOSED,
        target=target,
        requests=(Request(url=target),),
        stages=(Stage(concurrency=_users(row, capacity)),),
        duration_ns=duration_ns,
        warmup_ns=_WARMUP_NS,
        processes=row.processes,
    )


def _rows(asked: RowFilter, cores: float) -> tuple[Row, ...]:
    """Return every combination that exists and was asked for."""
    return tuple(
        Row(name, transport, processes)
        for name, traits in closed().items()
        if not asked.scenarios or name in asked.scenarios
        for transport in (each.name for each in traits.transports)
        if not asked.transports or transport in asked.transports
        for processes in _processes(traits, asked, cores)
    )


def _processes(traits: Traits, asked: RowFilter, cores: float) -> list[int]:
    if traits.many_processes:
        return sorted(set(asked.processes or (1, max(1, round(cores)))))
    return [1] if not asked.processes or 1 in asked.processes else []


def _many() -> str:
    return " or ".join(name for name, traits in closed().items() if traits.many_processes)


def _users(row: Row, capacity: Capacity) -> int:
    if closed()[row.scenario].single_user:
        return 1
    most = _MOST_USERS if capacity.connections is None else capacity.connections
    return max(row.processes, min(_USERS_EACH * row.processes, _MOST_USERS, most))
