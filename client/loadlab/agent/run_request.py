"""From what is posted to a plan that the agent may carry; raises UsageError, never half a plan.

There is one target, chosen when the agent started. A plan may name the target's paths, and nothing else:
neither another host, nor a file of the agent's machine.
"""

from collections.abc import Sequence
from urllib.parse import parse_qs

import msgspec

from loadlab.agent.limits import Limits
from loadlab.agent.plan_fields import in_fields
from loadlab.errors import UsageError
from loadlab.options.command_line import secrets_in, shown
from loadlab.options.load import LoadOptions, RunOptions, build_plan, label_of, traits_of
from loadlab.results.result import NAMELESS, About
from loadlab.runs.runners import LocalRunner, nowhere
from loadlab.system.files import decode_json
from loadlab.transports import contacts_target
from loadlab.workload.fields import label_problem
from loadlab.workload.kept_plan import secrets_of
from loadlab.workload.masking import Secrets, masked_url
from loadlab.workload.plan import Plan
from loadlab.workload.url import server_of

MOST_SECRET_NAMES = 100
NO_CODE = (
    "an agent takes no code from elsewhere; name a --target, so that this command carries the run itself"
)


class Options(LoadOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options of `loadlab run` that a page may set, as they are written there; None where not given."""

    delay: str | None = None
    """Of the `null` transport: how long it waits."""


class PostedRun(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is posted to start a run: one of options and plan."""

    options: Options | None = None
    plan: Plan | None = None
    about: About | None = None
    """What a plan's result says about the run; options have a label of their own."""


_POSTED: msgspec.json.Decoder[PostedRun] = msgspec.json.Decoder(PostedRun)


class Task(msgspec.Struct, frozen=True):
    """What shall be carried, and where."""

    plan: Plan
    place: LocalRunner
    about: About = NAMELESS


def read(data: bytes) -> PostedRun:
    """Read what was posted."""
    try:
        asked = decode_json(data, _POSTED)
    except msgspec.ValidationError as error:
        what, _, where = str(error).replace("`", "'").partition(" - at '$")
        name = where.strip(".'") or "what is posted"
        raise UsageError(f"{name}: {what[0].lower()}{what[1:]}") from None
    except msgspec.DecodeError as error:
        example = '{"options": {"scenario": "task"}}'
        raise UsageError(f"what is posted is not JSON, such as {example}: {error}") from None
    if (asked.options is None) == (asked.plan is None):
        raise UsageError("a run is started from options or from a plan: give one of the two")
    if asked.about is not None and asked.plan is None:
        raise UsageError("about: it goes with a plan; options have a label")
    if (most := _most_names(asked)) > MOST_SECRET_NAMES:
        raise UsageError(
            f"--secret-header and --secret-query: {most:,} names are more than {MOST_SECRET_NAMES}, the most"
            " that the agent takes"
        )
    return asked


def _most_names(asked: PostedRun) -> int:
    """Return how many secrets are named; each is looked for in every header and URL."""
    if asked.plan is not None:
        return max(len(asked.plan.secret_headers), len(asked.plan.secret_query))
    assert asked.options is not None
    return max(len(asked.options.secret_header), len(asked.options.secret_query))


def task(asked: PostedRun, place: LocalRunner, limits: Limits | None, same: Sequence[str] = ()) -> Task:
    """Return the plan and the runner that carries it; raise UsageError with what is wrong with it.

    `same` are the words that have `loadlab run` load the same target.
    """
    try:
        if asked.options is not None:
            return _of_options(asked.options, place, limits, same)
        assert asked.plan is not None
        return _of_plan(asked.plan, asked.about or NAMELESS, place, limits)
    except UsageError as error:
        error.args = (_secrets_in(asked).masked(str(error)),)
        raise


def _secrets_in(asked: PostedRun) -> Secrets:
    """Return what was posted that no refusal may repeat."""
    if asked.plan is not None:
        return secrets_of(asked.plan)
    return secrets_in(_words(asked.options)) if asked.options is not None else Secrets()


def _of_plan(plan: Plan, about: About, place: LocalRunner, limits: Limits | None) -> Task:
    if limits and about.command is not None:
        raise UsageError("about: the command comes from `loadlab run` alone")
    if about.label is not None and (problem := label_problem(about.label)):
        raise UsageError(problem)
    if plan.journeys is not None:
        raise UsageError(f"--journeys: {NO_CODE}")
    traits = traits_of(plan.scenario)
    problems = plan.problems(traits)
    if not problems and not contacts_target(plan.transport):
        place = nowhere(_delay_of(plan.target))
    problems = problems or _elsewhere(plan, place)
    problems = problems or [
        *(limits.problems(plan) if limits else ()),
        *place.capacity.problems(plan, traits),
    ]
    if problems:
        said = "\n".join(dict.fromkeys(problems))
        raise UsageError(in_fields(said) if limits else said)
    return Task(plan, place, about)


def _of_options(options: Options, place: LocalRunner, limits: Limits | None, same: Sequence[str]) -> Task:
    given = msgspec.structs.asdict(options)
    delay = given.pop("delay")
    if not contacts_target(options.transport):
        place = nowhere(delay)
    elif delay is not None:
        raise UsageError(
            "--delay: it is how long the null transport waits; a target has been started with its own"
        )
    if (options.body or "").startswith("@"):
        raise UsageError("--body: @FILE is read by the command line alone; give the body itself")
    if any(line.startswith("@") for line in options.header):
        raise UsageError("--header: @FILE is read by the command line alone; give the header itself")
    plan = build_plan(RunOptions(**given), place.base, place.capacity)
    if limits and (problems := limits.problems(plan)):
        raise UsageError("\n".join(problems))
    command = [*_words(options), *(same if contacts_target(options.transport) else ())]
    return Task(plan, place, About(command=shown(command), label=label_of(options)))


def _words(options: Options) -> list[str]:
    """Return the command line that these options are."""
    words = ["run", options.scenario]
    for name, value in msgspec.structs.asdict(options).items():
        option = f"--{name.replace('_', '-')}"
        match value:
            case True:
                words.append(option)
            case tuple():
                words += [word for each in value for word in (option, each)]
            case str() if name != "scenario":
                words += [option, value]
    return words


def _elsewhere(plan: Plan, place: LocalRunner) -> list[str]:
    """Say that a plan's target is not the place's; its requests are at its target."""
    if server_of(plan.target) == server_of(place.base):
        return []
    target, allowed = masked_url(plan.target), masked_url(place.base)
    return [f"--target: {target!r} is not the target of this agent, which loads {allowed} and nothing else"]


def _delay_of(url: str) -> str | None:
    given = parse_qs(url.partition("?")[2]).get("delay")
    return given[-1] if given else None
