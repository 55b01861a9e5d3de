"""Where a run happens: which target, and which process carries the load.

Nowhere with `--transport null`. Otherwise, in this order: the URL that was named; the stack's target,
inside the client container; this folder's Compose stack, if it is up; a target of its own on this machine.
Where there is an agent, such as in the client container, it carries all but the first of these.
"""

import os
import platform
import re
from pathlib import Path
from typing import Protocol

from loadlab.analysis.ceilings import usable
from loadlab.errors import LabError, UsageError
from loadlab.fleet.live import Observe
from loadlab.fleet.stop import Control
from loadlab.options.target import TargetOptions
from loadlab.remote.agent_runner import AgentRunner
from loadlab.results import ceilings_file
from loadlab.results.events import Tell
from loadlab.results.result import NAMELESS, About, RunResult
from loadlab.results.run_folder import Folder
from loadlab.runs.run import Run
from loadlab.scenarios import scenario
from loadlab.stack.compose import find
from loadlab.stack.container import AGENT_SOCKET, STACK_METRICS, STACK_TARGET
from loadlab.stack.run_in_stack import StackRunner
from loadlab.system import environment
from loadlab.system.threads import in_thread
from loadlab.targets import Host, describe_server
from loadlab.targets.app import app_of_stack
from loadlab.targets.local import LocalHost, Start
from loadlab.targets.no_target import NoTarget
from loadlab.targets.url import UrlHost
from loadlab.transports import contacts_target
from loadlab.workload.capacity import Capacity
from loadlab.workload.kept_plan import secrets_of
from loadlab.workload.masking import masked_url
from loadlab.workload.plan import Plan, url_problems
from loadlab.workload.url import origin_and_rest, origin_of, read_url

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|://")


class Runner(Protocol):
    """A target and a way to load it."""

    base: str
    """Where the plan's requests go; a stand-in where the target's address is not known yet."""
    capacity: Capacity
    """What the process that carries the load may use."""

    async def run(
        self, plan: Plan, folder: Folder, control: Control, tell: Tell, about: About = NAMELESS
    ) -> RunResult:
        """Run the plan to its result; raise LabError where it can't begin."""
        ...


class LocalRunner:
    """This process carries the load."""

    def __init__(
        self, base: str, host: Host | None, serve: dict[str, str], start: Start | None = None
    ) -> None:
        self.base = base
        self._start = start
        self.capacity = Capacity.here()
        self._host = host
        self._serve = serve

    async def run(
        self, plan: Plan, folder: Folder, control: Control, tell: Tell, about: About = NAMELESS
    ) -> RunResult:
        """Bring the target up, run, and leave nothing behind."""
        try:
            host = self.host(folder.log, plan.seed)
            return await run_at(host, plan, folder.run_id, control, tell, about=about)
        finally:
            await in_thread(folder.mask_log, secrets_of(plan))

    @property
    def target(self) -> str:
        """Say in words what is loaded."""
        if self._host is not None:
            return masked_url(self.base)
        if config := self._serve.get("--gunicorn-config"):
            return f"a target of its own for each run (gunicorn as {config} says)"
        options = (self._serve.get(f"--{name}") for name in ("server", "workers", "threads"))
        return f"a target of its own for each run ({describe_server(*options)})"

    def host(self, log: Path, seed: int) -> Host:
        """Return the target's host; a target of its own writes to this file and has this seed."""
        return self._host or LocalHost(log, {**self._serve, "--seed": str(seed)}, self._start)


async def run_at(
    host: Host,
    plan: Plan,
    run_id: str,
    control: Control,
    tell: Tell,
    *,
    about: About = NAMELESS,
    observe: Observe | None = None,
) -> RunResult:
    """Run a plan in this process against a host's target, and leave nothing behind."""
    try:
        target = await host.start()
        run = Run(
            run_id=run_id,
            plan=plan.with_target(target.url, target.address),
            traits=scenario(plan.scenario).TRAITS,
            host=host,
            target=target,
            control=control,
            tell=tell,
            about=about,
            observe=observe,
            known=usable(ceilings_file.read(), platform.node(), environment.read(target.where)),
        )
        return await run.run()
    except LabError as error:
        error.args = (secrets_of(plan).masked(str(error)),)
        raise
    finally:
        await host.stop(at_once=control.quitted)


def choose(target: str | None, serve: TargetOptions, *, remote: bool, transport: str | None = None) -> Runner:
    """Decide where a run happens; raise UsageError where the options contradict each other."""
    reject_unused_remote(target or os.environ.get(STACK_TARGET), remote=remote)
    given = serve.given()
    if not contacts_target(transport):
        if vain := [option for option in given if option != "--delay"] + ["--target"] * (target is not None):
            raise UsageError(f"{', '.join(vain)}: --transport {transport} contacts no target; leave it out")
        return _by_agent(nowhere(serve.delay))
    if named := at_named(target, serve, remote=remote):
        return named if target else _by_agent(named)
    if os.environ.get(AGENT_SOCKET):
        if given:
            raise UsageError(f"{', '.join(given)}: the agent's target is served as the agent was started")
        return _by_agent(of_its_own(serve))
    if stack := find(Path.cwd()):
        serve.check_matches_stack(stack)
        return StackRunner(stack)
    return of_its_own(serve)


def _by_agent(place: LocalRunner) -> Runner:
    """Have the agent carry it, where there is one; it has the same target and capacity."""
    path = os.environ.get(AGENT_SOCKET)
    if not path:
        return place
    from loadlab.remote.agent_client import AgentClient  # noqa: PLC0415 - an HTTP client, which most runs need not

    return AgentRunner(place.base, place.capacity, lambda: AgentClient(socket=path))


def reject_unused_remote(target: str | None, *, remote: bool) -> None:
    """Raise UsageError where --remote would do nothing."""
    if remote and target is None:
        raise UsageError("--remote: it allows a --target that is neither local nor private; give one as well")


def at_named(target: str | None, serve: TargetOptions, *, remote: bool) -> LocalRunner | None:
    """Return the runner for a target that `--target` or the client container names, None without one."""
    given = ", ".join(serve.given())
    if target is not None:
        if given:
            raise UsageError(
                f"{given} can't be combined with --target, which names a target that already runs"
            )
        url = url_of(target)
        return LocalRunner(url, UrlHost(url, remote=remote), {})
    if stack_target := os.environ.get(STACK_TARGET):
        if given:
            raise UsageError(f"{given}: the stack's target is served as `make up` started it")
        return LocalRunner(url_of(stack_target, STACK_TARGET), inside_stack(remote=remote), {})
    return None


def of_its_own(serve: TargetOptions) -> LocalRunner:
    """Return the runner for a target that each run starts on this machine."""
    serve.reject_unused()
    return LocalRunner("http://127.0.0.1", None, serve.served(), serve.start())


def nowhere(delay: str | None) -> LocalRunner:
    """Return the runner for the transport that needs no target."""
    host = NoTarget(delay)
    return LocalRunner(host.url, host, {})


def inside_stack(*, remote: bool = False) -> Host:
    """Return the stack's target as this process sees it; raise UsageError outside the client container."""
    target = os.environ.get(STACK_TARGET)
    if not target:
        raise UsageError(f"this runs in the stack's client container, where {STACK_TARGET} names the target")
    url = url_of(target, STACK_TARGET)
    metrics = os.environ.get(STACK_METRICS)
    return UrlHost(
        url,
        metrics_url=_metrics_of(metrics) if metrics else None,
        remote=remote,
        named_by=STACK_TARGET,
        is_container=True,
        app=app_of_stack(),
        where=f"in the client container of a Compose stack, {masked_url(url)}",
    )


def url_of(text: str, option: str = "--target") -> str:
    """Read a target's URL; without a scheme it is http. Scheme and host have one form, what follows none."""
    url = text if _SCHEME.match(text) else f"http://{text}"
    problems = url_problems(url, option)
    if problems:
        raise UsageError(problems[0])
    return origin_of(read_url(url)) + origin_and_rest(url)[1]


def _metrics_of(text: str) -> str:
    url = url_of(text, STACK_METRICS)
    if url.startswith("https:"):
        raise UsageError(
            f"{STACK_METRICS}: {masked_url(url)!r} is https; a target's metrics are read over http"
        )
    return url
