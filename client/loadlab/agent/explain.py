"""What is wrong with what was posted, in the words of the command line. Pure."""

from enum import StrEnum
from typing import Any

import msgspec

from loadlab.options.load import LoadOptions, one_of
from loadlab.scenarios import names
from loadlab.workload.plan import Plan

_MOST = 60
"""Characters of a value that are told."""
_KINDS = {dict: "an object", list: "a list", str: "a text", int: "a number", float: "a number"}
_TEXTS = "options are texts, as on the command line"
_DESCRIBED = "docs/result.schema.json says what a plan holds"
_LISTS = {
    "header": '["Accept: text/html"]',
    "secret_header": '["X-Key"]',
    "secret_query": '["key"]',
}
"""Options that may be given several times, each with an example."""
_SWITCHES = ("no_keep_alive", "keep_bodies")
_SECRETIVE = ("body", "path", "target", "requests")
"""What may hold a credential: it is not quoted."""


def explain_invalid(posted: Any, fields: tuple[str, ...], options: type[LoadOptions]) -> str | None:  # noqa: ANN401 - JSON
    """Say what keeps this from being a run, the first thing alone; None where nothing here can tell.

    Raises UsageError where a name is not one of the fields or options.
    """
    if not isinstance(posted, dict):
        return (
            f'what is posted is {_kind(posted)} and no object, such as {{"options": {{"scenario": "task"}}}}'
        )
    for name in posted:
        one_of("what is posted", name, fields)
    run_id = posted.get("run_id")
    if not isinstance(run_id, str | None):
        return f"run_id: {_shown(run_id)} is no text"
    return _of_options(posted.get("options"), options) or _of_plan(posted.get("plan"))


def _of_options(given: Any, options: type[LoadOptions]) -> str | None:  # noqa: ANN401 - JSON
    if given is None:
        return None
    if not isinstance(given, dict):
        return f'options: it is {_kind(given)} and no object of texts, such as {{"scenario": "task"}}'
    for name, value in given.items():
        one_of("options", name, options.__struct_fields__)
        if (problem := _of_option(name, value)) is not None:
            return problem
    return None if "scenario" in given else f"SCENARIO: it is missing; it is one of {', '.join(names())}"


def _of_option(name: str, value: Any) -> str | None:  # noqa: ANN401 - JSON
    option = "SCENARIO" if name == "scenario" else f"--{name.replace('_', '-')}"
    if name in _LISTS:
        if isinstance(value, list) and all(isinstance(line, str) for line in value):
            return None
        return f"{option}: it must be a list of texts, such as {_LISTS[name]}"
    if name in _SWITCHES:
        return None if isinstance(value, bool) else f"{option}: it must be true or false"
    if isinstance(value, str) or (value is None and name != "scenario"):
        return None
    if name in _SECRETIVE:
        return f"{option}: it is {_kind(value)}; {_TEXTS}"
    text = _as_text(value)
    meant = "" if text is None else f": write {_shown(text)}"
    return f"{option}: {_shown(value)} is {_kind(value)}; {_TEXTS}{meant}"


def _of_plan(given: Any) -> str | None:  # noqa: ANN401 - JSON
    if given is None:
        return None
    if not isinstance(given, dict):
        return f"plan: it is {_kind(given)} and no object, as events and results hold one"
    for field in msgspec.structs.fields(Plan):
        name = field.name
        if name not in given:
            if field.required:
                return f"plan: it has no {name}; {_DESCRIBED}"
            continue
        try:
            msgspec.convert(given[name], field.type)
        except msgspec.ValidationError:
            return _of_field(name, given[name], field.type)
    return None


def _of_field(name: str, value: Any, kind: Any) -> str:  # noqa: ANN401 - JSON, and a type
    members = [str(member) for member in kind] if isinstance(kind, type) and issubclass(kind, StrEnum) else []
    if members:
        return f"plan: its {name} {_shown(value)} is not {', '.join(members[:-1])} or {members[-1]}"
    shown = _kind(value) if name in _SECRETIVE else _shown(value)
    return f"plan: its {name} can't be {shown}; {_DESCRIBED}"


def _kind(value: Any) -> str:  # noqa: ANN401 - JSON
    return _KINDS.get(type(value), "no text") if value is not None else "null"


def _as_text(value: Any) -> str | None:  # noqa: ANN401 - JSON
    """Return what was probably meant, None where nothing is likely."""
    match value:
        case bool():
            return None
        case int() | float():
            return _shown(value)
        case list() if value and all(isinstance(each, int | float | str) for each in value):
            return ",".join(each if isinstance(each, str) else _shown(each) for each in value)
        case _:
            return None


def _shown(value: Any) -> str:  # noqa: ANN401 - JSON
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _MOST else f"{text[:_MOST]}…"
