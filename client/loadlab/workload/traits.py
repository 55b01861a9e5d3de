"""What a workload, a transport and a scenario are and can do, as data, so that no code compares their names.

The workloads stand here. `loadlab.transports` and `loadlab.scenarios` have those of their own folders.
"""

from collections.abc import Collection
from enum import StrEnum

import msgspec


class Workload(StrEnum):
    """When requests are due."""

    CLOSED = "closed"
    """N users, each with one request in flight or thinking."""
    OPEN = "open"
    """Requests arrive by a schedule, whatever has become of those before."""
    BATCH = "batch"
    """N requests at once; what counts is the makespan."""

    @property
    def traits(self) -> "WorkloadTraits":
        """What is known about it."""
        return _WORKLOADS[self]


class WorkloadTraits(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be known of a workload."""

    idea: str
    """When requests are due, in a few words."""
    article: str
    """As in "an open workload"."""
    size: str
    """The option that says how large a stage is; `LoadOptions` names it so."""
    size_means: str
    """What that number counts, with an example."""
    takes: tuple[str, ...]
    """The options that only some workloads have, of this one; `LoadOptions` names them so."""
    column: str
    """Head of the column of stages in a table."""
    one: str
    """What the size counts, of one."""
    many: str
    """The same of several, and on a curve's axis."""
    less: str
    """How to ask for less."""
    checks: tuple[str, ...] = ()
    """Checks of a stage that say something of this workload and not of every one."""
    has_users: bool = False
    """Whether users send, each its next request after the reply to the one before."""
    has_schedule: bool = False
    """Whether requests are due by a schedule, whatever became of those before."""
    at_once: bool = False
    """Whether all requests are due at the barrier, so that the time to the last reply is what counts."""


_STEADY = ("stationary", "warmed_up")
_WORKLOADS = {
    Workload.CLOSED: WorkloadTraits(
        idea="N users, each with one request in flight",
        article="a",
        size="concurrency",
        size_means="users, such as 8",
        takes=("concurrency", "requests", "duration", "warmup", "think", "ramp_up"),
        column="users",
        one="user",
        many="users",
        less="use fewer users (--concurrency)",
        checks=_STEADY,
        has_users=True,
    ),
    Workload.OPEN: WorkloadTraits(
        idea="by a schedule, whatever became of those before",
        article="an",
        size="rate",
        size_means="arrivals per second, such as 500 or 100:1000",
        takes=("rate", "duration", "warmup", "arrivals", "max_in_flight", "when_full"),
        column="offered",
        one="arrival/s",
        many="arrivals/s",
        less="use a lower --rate",
        checks=("schedule", "sent", "places", "kept_up", *_STEADY),
        has_schedule=True,
    ),
    Workload.BATCH: WorkloadTraits(
        idea="N requests at once; what counts is the time until the last reply",
        article="a",
        size="requests",
        size_means="requests at once, such as 100",
        takes=("requests",),
        column="batch",
        one="request",
        many="requests",
        less="use a smaller batch (--requests)",
        at_once=True,
    ),
}


def sized_by(*options: str) -> Workload | None:
    """Return the workload whose stages one of these options sizes; None where none does."""
    return next((workload for workload in Workload if workload.traits.size in options), None)


def not_taken(workload: Workload, given: Collection[str]) -> str | None:
    """Say which of the options that were given the workload has no use for; None where it takes them all."""
    traits = workload.traits
    known = dict.fromkeys(option for each in Workload for option in each.traits.takes)
    vain = [option for option in known if option in given and option not in traits.takes]
    if not vain:
        return None
    options, them = ", ".join(map(as_option, vain)), "it" if len(vain) == 1 else "them"
    says = [f"{options}: {traits.article} {workload} workload does not take {them}"]
    if sized_by(*vain) is not None:
        says.append(f"its size is {as_option(traits.size)}")
    if others := [each for each in Workload if set(vain) <= set(each.traits.takes)]:
        says.append(f"--workload {' or '.join(others)} does")
    return "; ".join(says)


def as_option(name: str) -> str:
    """Return a name as the command line writes it."""
    return f"--{name.replace('_', '-')}"


class TransportTraits(msgspec.Struct, frozen=True, kw_only=True):
    """What a transport is."""

    name: str
    contacts_target: bool = True
    """Otherwise it answers by itself, after the delay that a URL programs."""
    blocks: bool = False
    """Whether a call holds its thread until the reply is here."""
    has_sessions: bool = False
    """Whether a user of journeys can have connections of its own, and look into answers."""
    light: bool = False
    """Whether a request costs less CPU than on the libraries that most people use."""


class Traits(msgspec.Struct, frozen=True, kw_only=True):
    """What a scenario can do, and what it can't by design."""

    name: str
    idea: str
    """The execution model in one sentence."""
    transports: tuple[TransportTraits, ...]
    """Those it can drive; the first is its default."""
    workloads: tuple[Workload, ...]
    """Those it can carry; the first is its default."""
    single_user: bool = False
    """Whether only one request can ever be in flight, so that more users would be a lie."""
    many_processes: bool = False
    """Whether it takes more than one process."""
    sharded: bool = False
    """Whether each of its processes carries a shard; otherwise one shard sees to all of them."""
    tasks_per_process: int | None = None
    """Where each process takes only so many requests at a time."""
    client_per_request: bool = False
    """Whether each request has a client of its own, so that no connection is ever idle."""
    takes_journeys: bool = False
    """Whether its users can go on journeys, each step when the one before is done."""
    hides_flight: bool = False
    """Whether the number of requests in flight is hidden while it runs."""
    blocks_loop: bool = False
    """Whether it holds its event loop by design: a stalled loop is then its lesson, no fault."""

    @property
    def uses_threads(self) -> bool:
        """Whether threads make its calls, and not an event loop."""
        return not self.blocks_loop and all(transport.blocks for transport in self.transports)

    def transport(self, name: str) -> TransportTraits | None:
        """Return the transport of this name that it can drive; None where it can't."""
        return next((transport for transport in self.transports if transport.name == name), None)
