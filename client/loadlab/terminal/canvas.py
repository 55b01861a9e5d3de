"""Dots and characters on a grid of cells, as text: braille, or ASCII where a terminal has none. Pure."""

from rich.text import Text

_BRAILLE = 0x2800
_BITS = ((0x40, 0x80), (0x04, 0x20), (0x02, 0x10), (0x01, 0x08))
"""Of the dots of a cell: rows from the bottom, left and right."""
ACROSS, UP = 2, 4
"""Dots in a cell."""


class Canvas:
    """`width` x `height` cells; everything counts from the lower left, and what lies outside is not drawn.

    A character takes its whole cell: dots there are not seen, and a later character replaces it.
    """

    def __init__(self, width: int, height: int, *, ascii_only: bool) -> None:
        self.width, self.height = width, height
        self._ascii_only = ascii_only
        self._dots: dict[tuple[int, int], int] = {}
        self._characters: dict[tuple[int, int], str] = {}
        self._styles: dict[tuple[int, int], str] = {}

    def dot(self, x: int, y: int, style: str = "") -> None:
        """Set one dot."""
        cell = (x // ACROSS, y // UP)
        self._dots[cell] = self._dots.get(cell, 0) | _BITS[y % UP][x % ACROSS]
        if cell not in self._characters:
            self._styles[cell] = style

    def line(self, start: tuple[int, int], end: tuple[int, int], style: str = "") -> None:
        """Set the dots from one to another, both included."""
        (x0, y0), (x1, y1) = start, end
        steps = max(abs(x1 - x0), abs(y1 - y0), 1)
        for step in range(steps + 1):
            self.dot(x0 + round((x1 - x0) * step / steps), y0 + round((y1 - y0) * step / steps), style)

    def put(self, column: int, row: int, character: str, style: str = "") -> None:
        """Fill a cell with a character."""
        self._characters[column, row] = character
        self._styles[column, row] = style

    def at(self, column: int, row: int) -> str | None:
        """Return the character that fills a cell, if one does."""
        return self._characters.get((column, row))

    def rows(self) -> list[Text]:
        """Return the lines, the topmost first, each `width` wide."""
        lines = []
        for row in reversed(range(self.height)):
            line = Text(no_wrap=True, end="")
            for column in range(self.width):
                line.append(self._shown(column, row), self._styles.get((column, row)))
            lines.append(line)
        return lines

    def _shown(self, column: int, row: int) -> str:
        if character := self._characters.get((column, row)):
            return character
        dots = self._dots.get((column, row), 0)
        if not dots:
            return " "
        return "." if self._ascii_only else chr(_BRAILLE + dots)
