"""The ideas of asyncio in order: each step is a program of `examples`, predicted, run, and drawn.

Importing this package is cheap, so that the command line can name the steps; `steps` says what each is.
"""

import difflib

from loadlab.errors import UsageError
from loadlab.units import whole_number

BASIC = ("blocking", "coroutine", "task", "blocked-loop", "states", "callback", "threads")
FURTHER = ("pressure", "cpu", "pool-map", "omission")
NAMES = BASIC + FURTHER
"""The steps in the order of the tour; a step's number is its place here, from 1."""


def chosen(only: str | None) -> int | None:
    """Return the number of the step that `--only` means, None without it; raise UsageError for none."""
    if only is None:
        return None
    text = only.strip().lower()
    if (number := whole_number(text)) is not None and 1 <= number <= len(NAMES):
        return number
    if text in NAMES:
        return NAMES.index(text) + 1
    near = difflib.get_close_matches(text, NAMES, n=1, cutoff=0.5)
    guess = f" Did you mean {near[0]}?" if near else ""
    raise UsageError(
        f"--only: there is no step {only!r}.{guess} It takes 1 to {len(NAMES)} or {', '.join(NAMES)}."
    )
