"""Finished requests on their way from the loop to the recorder: one call each, seven raw integers."""

import struct
from collections.abc import Iterator

import numpy as np

from loadlab.recording.histogram import Int64s
from loadlab.recording.sample import Outcome, Sample

COLUMNS = len(Sample._fields)
packed_row = struct.Struct(f"{COLUMNS}n").pack
"""Packs a finished request as a `Tape` takes it: in the loop, cheaper than a list of its integers.

As C's `ssize_t`: wherever the lab runs it has the 64 bits of `q`, and packing takes two thirds of the time.
"""
PIECE = 4_096
"""Rows folded at a time: with fewer a row costs more, with more the loop waits longer for its turn, and then
for what they pushed out of its core's cache."""
_AT_ONCE = 2_048
"""Rows copied at a time: a block of so many is less than the 128 KiB from which on `memory` gives back."""
MOST_PIECES = 8
"""How many of them a fold has."""


def dropped_row(due_ns: int, now_ns: int, flag: int = 0) -> bytes:
    """Pack a request that was due and will not be sent, which is known now."""
    return packed_row(due_ns, now_ns, now_ns, Outcome.DROPPED | flag, 0, 0, 0)


def unfinished_row(due_ns: int, sent_ns: int, now_ns: int, flag: int = 0) -> bytes:
    """Pack a request that was sent and is given up now."""
    return packed_row(due_ns, sent_ns, now_ns, Outcome.UNFINISHED | flag, 0, 0, 0)


class Tape:
    """Finished requests as raw integers, written by the loop and read by another thread.

    `note(packed_row(due_ns, sent_ns, done_ns, outcome, status, body_bytes, inside_ns))` appends in one call
    into C and is therefore atomic under the GIL, as are the calls of `cut`: no lock stands in the loop. The
    rows are objects in a list, which costs the loop less than a block of memory that has to grow.
    """

    __slots__ = ("_piece", "_rows", "note")

    def __init__(self) -> None:
        self._rows: list[bytes] = []
        self._piece = np.empty((COLUMNS, PIECE), dtype=np.int64)
        self.note = self._rows.append

    def __len__(self) -> int:
        """Return how many rows wait to be folded."""
        return len(self._rows)

    def cut(self, rows: int = PIECE) -> Int64s:
        """Take up to so many of the oldest rows away, as an array of shape (rows, 7), column by column.

        It is good until the next cut: a place for a `PIECE` is kept, and only more takes memory anew.
        """
        rows = min(rows, len(self))
        piece = self._piece if rows <= PIECE else np.empty((COLUMNS, rows), dtype=np.int64)
        for start in range(0, rows, _AT_ONCE):
            end = min(start + _AT_ONCE, rows)
            block = np.frombuffer(b"".join(self._rows[start:end]), dtype=np.int64)
            piece[:, start:end] = block.reshape(-1, COLUMNS).T
        del self._rows[:rows]
        return piece[:, :rows].T


def pieces(rows: int) -> Iterator[int]:
    """Divide so many rows into pieces, eight at most; the loop has its turn after each.

    With pieces of one size a fold of very many rows would come to last longer than it took to write them,
    and each fold would find more than the one before.
    """
    size = max(PIECE, -(-rows // MOST_PIECES))
    for start in range(0, rows, size):
        yield min(size, rows - start)
