"""Where a run happens: which target, and which process carries the load.

In this order: the URL that was named; the stack's target, inside the client container; this folder's
Compose stack, if it is up; otherwise a target of its own on this machine.
"""

import os
from typing import Protocol
from urllib.parse import urlsplit

import msgspec

from loadlab.engine import Run, Tell
from loadlab.errors import UsageError
from loadlab.fleet.supervisor import Control
from loadlab.hosts import Host
from loadlab.hosts.local import LocalHost
from loadlab.hosts.url import UrlHost
from loadlab.plan import Plan, url_problems
from loadlab.result import RunResult
from loadlab.scenarios import scenario
from loadlab.store import Folder

STACK_TARGET = "LOADLAB_TARGET"
"""Set in the client container: the base URL of the stack's target."""
STACK_METRICS = "LOADLAB_TARGET_METRICS"
"""Set in the client container: where that target's metrics are."""


class Serve(msgspec.Struct, frozen=True, kw_only=True):
    """How the target is to be served, as the options were written; None where not given."""

    app: str | None = None
    server: str | None = None
    workers: str | None = None
    threads: str | None = None
    delay: str | None = None

    def given(self) -> dict[str, str]:
        """Return the options that were given, by name."""
        values = msgspec.structs.asdict(self)
        return {f"--{name}": value for name, value in values.items() if value is not None}


class Place(Protocol):
    """A target and a way to load it."""

    base: str
    """Where the plan's requests go; a stand-in where the target's address is not known yet."""

    async def carry(self, plan: Plan, folder: Folder, control: Control, tell: Tell) -> RunResult:
        """Carry the plan to its result; raise LabError where it can't begin."""
        ...


class Here:
    """This process carries the load."""

    def __init__(self, base: str, host: Host | None, serve: dict[str, str]) -> None:
        self.base = base
        self._host = host
        self._serve = serve

    async def carry(self, plan: Plan, folder: Folder, control: Control, tell: Tell) -> RunResult:
        """Bring the target up, run, and leave nothing behind."""
        host = self._host or LocalHost(folder.log, self._serve)
        try:
            target = await host.start()
            run = Run(
                run_id=folder.run_id,
                plan=plan.with_target(target.url),
                traits=scenario(plan.scenario).TRAITS,
                host=host,
                target=target,
                control=control,
                tell=tell,
            )
            return await run.carry()
        finally:
            await host.stop()


def choose(target: str | None, serve: Serve, *, remote: bool) -> Place:
    """Decide where a run happens; raise UsageError where the options contradict each other."""
    given = serve.given()
    if target is not None:
        if given:
            raise UsageError(
                f"{', '.join(given)}: they serve a target of the lab's own; leave them out with --target"
            )
        url = url_of(target)
        return Here(url, UrlHost(url, remote=remote), {})
    if stack_target := os.environ.get(STACK_TARGET):
        if given:
            raise UsageError(f"{', '.join(given)}: the stack's target is served as `make up` started it")
        url = url_of(stack_target)
        return Here(url, UrlHost(url, metrics_url=os.environ.get(STACK_METRICS), trusted=True), {})
    return Here("http://127.0.0.1", None, given)


def url_of(text: str) -> str:
    """Read `--target`; without a scheme it is http."""
    url = text if "://" in text else f"http://{text}"
    problems = url_problems(url)
    if problems:
        raise UsageError(problems[0])
    parts = urlsplit(url)
    return url if parts.path else f"{url}/"
