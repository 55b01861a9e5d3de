"""A table that gives up columns when the terminal is narrow, and never a part of a number."""

from collections.abc import Sequence

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

_WIDE = 1_000


class FittingTable:
    """Columns of figures under their heads, right-aligned; nothing in them wraps or is cut.

    `give_up` names columns by their heads, the first to go first. Where the rest is still too wide each row
    is written as words, which can be wrapped. A line break in a head counts as a space in its name.
    """

    def __init__(self, heads: Sequence[str], give_up: Sequence[str], *, lines: bool = True) -> None:
        self._heads = list(heads)
        self._give_up = give_up
        self._box = box.SIMPLE_HEAD if lines else None
        self._rows: list[tuple[RenderableType, ...]] = []

    def add_row(self, *cells: RenderableType) -> None:
        """Add a row with a cell for each head."""
        assert len(cells) == len(self._heads)
        self._rows.append(cells)

    def wide(self, console: Console, options: ConsoleOptions) -> int:
        """Return how many columns of the terminal it takes with all of its own."""
        return _wide(console, options, self._table(frozenset()))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Write it as wide as it may be."""
        for count in range(len(self._give_up) + 1):
            gone = frozenset(self._give_up[:count])
            table = self._table(gone)
            if _wide(console, options, table) <= options.max_width:
                yield table
                return
        yield from self._words(frozenset(self._give_up))

    def _kept(self, gone: frozenset[str]) -> list[int]:
        return [index for index, head in enumerate(self._heads) if _name(head) not in gone]

    def _table(self, gone: frozenset[str]) -> Table:
        table = Table(box=self._box, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
        kept = self._kept(gone)
        for index in kept:
            table.add_column(self._heads[index], justify="right", no_wrap=True, vertical="bottom")
        for row in self._rows:
            table.add_row(*(row[index] for index in kept))
        return table

    def _words(self, gone: frozenset[str]) -> list[Text]:
        return [
            Text(", ".join(f"{_name(self._heads[index])} {row[index]}" for index in self._kept(gone)))
            for row in self._rows
        ]


def _wide(console: Console, options: ConsoleOptions, table: Table) -> int:
    return Measurement.get(console, options.update(width=_WIDE), table).maximum


def _name(head: str) -> str:
    return head.replace("\n", " ")
