"""The ideas of asyncio in order, each with its code, its prediction and its measurement.

A step is a module of `loadlab.tour.steps` with one name, `STEP`; a line in `NAMES` puts it in its place.
Importing this package is cheap, so that the command line can name the steps; `steps` loads them.
"""

import difflib
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

import msgspec

from loadlab.errors import UsageError
from loadlab.units import whole_number

if TYPE_CHECKING:
    from loadlab.tour.lab import Lab

NAMES = (
    "blocking",
    "states",
    "coroutine",
    "blocked-loop",
    "task",
    "callback",
    "threads",
    "pressure",
    "cpu",
    "pool-map",
    "omission",
)
"""The steps in the order of the tour; a step's number is its place here, from 1."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step: one idea."""

    title: str
    idea: str
    """Two sentences."""
    code: tuple[Callable[..., Any], ...]
    """Functions whose source is shown; the last is the whole of it, and the others are what it calls."""
    remember: str
    carry: Callable[["Lab"], Awaitable[None]]
    """Predict, measure and tell both."""
    example: Callable[[str], Any] | None = None
    """How to run the code shown against a URL, where it is not just a call of its last function."""


def chosen(only: str | None) -> tuple[int, ...]:
    """Return the numbers of the steps that `--only` means, all without it; raise UsageError for none."""
    if only is None:
        return tuple(range(1, len(NAMES) + 1))
    text = only.strip().lower()
    if (number := whole_number(text)) is not None and 1 <= number <= len(NAMES):
        return (number,)
    if text in NAMES:
        return (NAMES.index(text) + 1,)
    near = difflib.get_close_matches(text, NAMES, n=1, cutoff=0.5)
    guess = f" Did you mean {near[0]}?" if near else ""
    raise UsageError(
        f"--only: there is no step {only!r}.{guess} It takes 1 to {len(NAMES)} or {', '.join(NAMES)}."
    )


def step(number: int) -> Step:
    """Load the step with this number."""
    name = NAMES[number - 1].replace("-", "_")
    loaded: Step = import_module(f"{__name__}.steps.{name}").STEP
    return loaded
