"""How near a stage came to what this machine's client can do at all. Pure.

1. A ceiling was measured, never computed: users that do not think, and a target that answers at once.
2. It holds for one scenario, transport and number of processes, in the environment in which it was measured,
   and for a closed workload over plain HTTP: what an open arrival or TLS costs is not in it.
3. Where something else ran out before the client did, the ceiling is a lower bound, and the share an upper
one.
"""

from collections.abc import Iterable
from typing import NamedTuple

from msgspec import structs

from loadlab.results.ceilings_file import Absent, Ceiling, Kept, Limit
from loadlab.results.result import Check, CheckOutcome, StageResult
from loadlab.system.environment import Environment
from loadlab.transports import contacts_target
from loadlab.workload.plan import Plan

_MACHINES = frozenset({"client_core", "client_throttled", "client_stolen"})
_TARGETS_OWN = frozenset({"gunicorn", "flask"})
"""Packages that only the target uses."""


class Usable(NamedTuple):
    """The ceilings that hold in an environment."""

    ceilings: tuple[Ceiling, ...] = ()
    unused: str | None = None
    """Why there are some that do not."""


NOTHING = Usable()


def ceiling(plan: Plan, stage: StageResult, checks: Iterable[Check], measured_at: str) -> Ceiling:
    """Return the ceiling that a calibrating stage found; `checks` are its run's."""
    failed = {check.name for check in checks if check.outcome is CheckOutcome.FAIL}
    if failed & _MACHINES:
        limit = Limit.CORES
    elif "client_cpu" in failed or not contacts_target(plan.transport):
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
    return plan.workload.traits.has_users and not any(
        request.url.startswith("https:") for request in plan.requests
    )


def with_ceiling(plan: Plan, stage: StageResult, ceilings: Iterable[Ceiling]) -> StageResult:
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


def usable(found: Kept | Absent, host: str, now: Environment) -> Usable:
    """Return the ceilings of the file that hold on this host, in this environment."""
    match found:
        case Absent.NO_FILE:
            return NOTHING
        case Absent.OTHER_VERSION:
            return Usable(unused="calibrated by another version of the lab")
    changed = [f"host {found.host}, now {host}"] if found.host != host else []
    changed += differences(found.environment, now)
    if changed:
        return Usable(unused=f"calibrated in another environment ({'; '.join(changed)})")
    return Usable(found.ceilings)


def added(before: Kept | Absent, ceilings: Iterable[Ceiling], host: str, now: Environment) -> Kept:
    """Return what the file is to hold: these ceilings, and those that hold for anything else."""
    everything = {each.key: each for each in (*usable(before, host, now).ceilings, *ceilings)}
    return Kept(host=host, environment=now, ceilings=tuple(everything[key] for key in sorted(everything)))


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
