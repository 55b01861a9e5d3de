"""The same finding of several stages, told once. Pure; `agent/page/words.js` does the same."""

from collections.abc import Iterable
from typing import NamedTuple

MARKS = "?!"
"""What a label may end with where its stage is suspect or the client's limit."""


class Told(NamedTuple):
    """A sentence about a stage."""

    name: str
    """Of the check or finding: what makes two sentences the same."""
    stage: str
    """The stage's label, with its mark."""
    message: str


def together(told: Iterable[Told]) -> list[str]:
    """Return one sentence for each name, with all of its stages and the figures of the last of them.

    Where a stage has several of one name, such as a lost worker each, they stay apart.
    """
    groups: dict[tuple[str, int], list[Told]] = {}
    times: dict[tuple[str, str], int] = {}
    for each in told:
        nth = times[each.name, each.stage] = times.get((each.name, each.stage), 0) + 1
        groups.setdefault((each.name, nth), []).append(each)
    return [_sentence(group) for group in groups.values()]


def _sentence(group: list[Told]) -> str:
    last = group[-1]
    if len(group) == 1:
        return f"stage {last.stage}: {last.message}"
    labels = ", ".join(each.stage for each in group)
    figures = (
        ""
        if len({each.message for each in group}) == 1
        else f" (numbers of stage {last.stage.rstrip(MARKS)})"
    )
    return f"stages {labels}{figures}: {last.message}"
