"""The ideas of asyncio in order, each with its code, its prediction and its measurement.

A step is a module of `loadlab.tour.steps` with one name, `STEP`; a line in `NAMES` puts it in its place.
Importing this package is cheap, so that the command line can name the steps; `steps` loads them.
"""

import difflib
from importlib import import_module

from loadlab.errors import UsageError
from loadlab.tour.step import Step

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


def chosen(only: str | None) -> tuple[int, ...]:
    """Return the numbers of the steps that `--only` means, all without it; raise UsageError for none."""
    if only is None:
        return tuple(range(1, len(NAMES) + 1))
    text = only.strip().lower()
    if text.isdecimal() and 1 <= int(text) <= len(NAMES):
        return (int(text),)
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
