"""All pulses of a worker over a stage, as raw integers: there are four a second for as long as it lasts."""

from array import array
from collections.abc import Sequence
from typing import Any, overload

from msgspec import structs

from loadlab.fleet.messages import Heartbeat

_FIELDS = len(Heartbeat.__struct_fields__)
_NOT_TOLD = -(1 << 62)
"""Stands for None."""


class Heartbeats(Sequence[Heartbeat]):
    """A sequence that can be appended to; 72 bytes for each."""

    def __init__(self) -> None:
        self._figures = array("q")

    def append(self, pulse: Heartbeat) -> None:
        """Add the latest."""
        self._figures.extend(_NOT_TOLD if figure is None else figure for figure in structs.astuple(pulse))

    def __len__(self) -> int:
        return len(self._figures) // _FIELDS

    @overload
    def __getitem__(self, index: int) -> Heartbeat: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Heartbeat]: ...

    def __getitem__(self, index: int | slice) -> Heartbeat | Sequence[Heartbeat]:
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(len(self)))]
        start = range(len(self))[index] * _FIELDS
        kept = self._figures[start : start + _FIELDS]
        figures: list[Any] = [None if figure == _NOT_TOLD else figure for figure in kept]
        return Heartbeat(*figures)
