"""How near a stage came to what this machine's client can do at all. Pure.

1. A ceiling was measured, never computed: users that do not think, and a target that answers at once.
2. It holds for one scenario, transport and number of processes, in the environment in which it was measured,
   and for a closed workload over plain HTTP: what an open arrival or TLS costs is not in it.
3. Where something else ran out before the client did, the ceiling is a lower bound, and a share of it an
   upper one.
"""

from collections.abc import Iterable
from enum import StrEnum

import msgspec
from msgspec import structs

from loadlab.results.result import Check, CheckOutcome, StageResult
from loadlab.system.environment import Environment
from loadlab.workload.plan import Plan, Workload

_MACHINES = frozenset({"client_core", "client_throttled", "client_stolen"})
_TARGETS_OWN = frozenset({"gunicorn", "flask"})
"""Packages that only the target uses."""


class Limit(StrEnum):
    """What ran out first when a ceiling was measured."""

    CLIENT = "client"
    """The loop or interpreter of the client: what the ceiling is about."""
    CORES = "cores"
    """The cores: the client waited for one, because the sink or somebody else had it."""
    SINK = "sink"
    """The sink's answers: the client waited for them."""


class Ceiling(msgspec.Struct, frozen=True, kw_only=True):
    """The most that this machine's client did in one way of calling."""

    scenario: str
    transport: str
    processes: int
    users: int
    rate_hz: float
    limit: Limit
    measured_at: str

    @property
    def is_lower_bound(self) -> bool:
        """Whether the client could have done more."""
        return self.limit is not Limit.CLIENT

    @property
    def key(self) -> tuple[str, str, int]:
        """What it holds for."""
        return self.scenario, self.transport, self.processes


def ceiling(plan: Plan, stage: StageResult, checks: Iterable[Check], measured_at: str) -> Ceiling:
    """Return the ceiling that a calibrating stage found; `checks` are its run's."""
    failed = {check.name for check in checks if check.outcome is CheckOutcome.FAIL}
    if failed & _MACHINES:
        limit = Limit.CORES
    elif "client_cpu" in failed or plan.transport == "null":
        limit = Limit.CLIENT
    else:
        limit = Limit.SINK
    return Ceiling(
        scenario=plan.scenario,
        transport=plan.transport,
        processes=stage.processes,
        users=stage.concurrency or 1,
        rate_hz=stage.throughput_hz,
        limit=limit,
        measured_at=measured_at,
    )


def is_comparable(plan: Plan) -> bool:
    """Tell whether ceilings hold for what the plan does."""
    return plan.workload is Workload.CLOSED and not any(
        request.url.startswith("https:") for request in plan.requests
    )


def beside(plan: Plan, stage: StageResult, ceilings: Iterable[Ceiling]) -> StageResult:
    """Return the stage with the ceiling of its way of calling, as it is where none is known."""
    key = (plan.scenario, plan.transport, stage.processes)
    found = next((each for each in ceilings if each.key == key), None)
    if found is None or not is_comparable(plan):
        return stage
    client = structs.replace(
        stage.client,
        ceiling_hz=found.rate_hz,
        ceiling_ratio=stage.throughput_hz / found.rate_hz,
        ceiling_is_lower_bound=found.is_lower_bound,
    )
    return structs.replace(stage, client=client)


def differences(then: Environment, now: Environment) -> list[str]:
    """Say what is not as it was of everything that a ceiling depends on."""
    before, after = _depends_on(then), _depends_on(now)
    return [
        f"{name} {before.get(name, 'none')}, now {after.get(name, 'none')}"
        for name in dict.fromkeys((*before, *after))
        if before.get(name) != after.get(name)
    ]


def _depends_on(environment: Environment) -> dict[str, str]:
    versions = {name: text for name, text in sorted(environment.versions.items()) if name not in _TARGETS_OWN}
    return {
        "processor": environment.cpu_model,
        "usable cores": f"{environment.cpu_usable:g}",
        "system": environment.system,
        "event loop": environment.event_loop,
        "container": "yes" if environment.container else "no",
        **versions,
    }


def named(scenario: str, transport: str, processes: int) -> str:
    """Name a way of calling."""
    return f"{scenario} on {transport}, {processes} process{'' if processes == 1 else 'es'}"
