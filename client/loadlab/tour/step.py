"""What a step of the tour consists of."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from loadlab.tour.lab import Lab


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One idea."""

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
