"""The same finding of several stages as one sentence. Pure."""

from collections.abc import Iterable
from typing import NamedTuple

from loadlab.results.result import Kind, Sentence, StageResult, State

MARKS = {State.VALID: "", State.SUSPECT: "?", State.INVALID: "!"}


class Told(NamedTuple):
    """What there is to say about one stage."""

    name: str
    """Stages whose sentences have the same name share one."""
    stage: str
    message: str
    mark: str = ""


def marked(name: str, stage: StageResult, message: str) -> Told:
    """Return what there is to say about a stage, which shows its mark."""
    return Told(name, stage.label, message, MARKS[stage.state])


def together(told: Iterable[Told], kind: Kind) -> list[Sentence]:
    """Return one sentence for each name, with all of its stages and the figures of the last of them.

    Where a stage has several of one name, such as a lost worker each, they stay apart.
    """
    groups: dict[tuple[str, int], list[Told]] = {}
    times: dict[tuple[str, str], int] = {}
    for each in told:
        nth = times[each.name, each.stage] = times.get((each.name, each.stage), 0) + 1
        groups.setdefault((each.name, nth), []).append(each)
    return [
        Sentence(tuple(each.stage for each in group), kind, _sentence(group)) for group in groups.values()
    ]


def _sentence(group: list[Told]) -> str:
    last = group[-1]
    if len(group) == 1:
        return f"stage {last.stage}{last.mark}: {last.message}"
    labels = ", ".join(f"{each.stage}{each.mark}" for each in group)
    figures = "" if len({each.message for each in group}) == 1 else f" (numbers of stage {last.stage})"
    return f"stages {labels}{figures}: {last.message}"
