"""What an example prints, and its picture. Pure: lines of text in, lines of text out.

An example prints `  0.251 s  3 sent` and `  0.502 s  3 done` for request 3, with `3 due` before them where it
had to wait for its turn, and `Cost time: 1.254 s  NAME` at the end of each of its parts.
"""

import re
from collections.abc import Sequence

import msgspec

from loadlab.clock import NS_PER_S
from loadlab.units import show_ns

_MOMENT = re.compile(r" *(\d+\.\d{3}) s  (\S+) (due|sent|done)")
_COST = re.compile(r"Cost time: (\d+\.\d{3}) s(?:  (.+))?")
_INDENT = 4


class Span(msgspec.Struct, frozen=True):
    """One request, in seconds from the start of the program."""

    label: str
    sent_s: float
    done_s: float
    due_s: float | None = None
    """When it should have been sent, if it had to wait."""


class Cost(msgspec.Struct, frozen=True):
    """What a part of the program took."""

    seconds: float
    label: str = ""

    @property
    def ns(self) -> int:
        """The same in nanoseconds."""
        return round(self.seconds * NS_PER_S)


class Part(msgspec.Struct, frozen=True):
    """What was printed up to one `Cost time`."""

    cost: Cost
    spans: tuple[Span, ...]


class Reader:
    """Takes the lines of an example one by one."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self._spans: list[Span] = []
        self._moments: dict[str, dict[str, float]] = {}

    @property
    def unanswered(self) -> int:
        """How many requests were sent and have no answer."""
        return len(self._moments)

    def read(self, line: str) -> str | None:
        """Take a line in; return it where it is meant for people only."""
        if moment := _MOMENT.fullmatch(line):
            self._moment(float(moment[1]), moment[2], moment[3])
        elif cost := _COST.fullmatch(line):
            self.parts.append(Part(Cost(float(cost[1]), cost[2] or ""), tuple(self._spans)))
            self._spans = []
        else:
            return line
        return None

    def _moment(self, at_s: float, label: str, what: str) -> None:
        if what != "done":
            self._moments.setdefault(label, {})[what] = at_s
            return
        begun = self._moments.pop(label, {})
        if "sent" in begun:
            self._spans.append(Span(label, begun["sent"], at_s, begun.get("due")))


def draw(parts: Sequence[Part], width: int) -> list[str]:
    """Draw a row for each request and the axis below.

    Several parts follow one another from left to right, each named below its begin. Parts that printed no
    requests get a row each, as long as they took.
    """
    spans = [span for part in parts for span in part.spans]
    has_requests = bool(spans)
    spans = spans or [Span(part.cost.label, 0.0, part.cost.seconds) for part in parts]
    labels = list(dict.fromkeys(span.label for span in sorted(spans, key=lambda span: span.label.zfill(9))))
    margin = _INDENT + max(map(len, labels)) + 1
    cells = width - margin
    end_s = max(span.done_s for span in spans)

    def cell(at_s: float) -> int:
        return round(at_s / end_s * (cells - 1)) if end_s else 0

    drawn = []
    for label in labels:
        row = [" "] * cells
        for span in (span for span in spans if span.label == label):
            sent, done = cell(span.sent_s), cell(span.done_s)
            if span.due_s is not None:
                row[cell(span.due_s) : sent] = "." * (sent - cell(span.due_s))
            if row[sent] == "┤" and sent < done:
                sent += 1  # so that both ends are seen
            row[sent : done + 1] = _bar(done - sent + 1)
        drawn.append(f"{label:>{margin - 1}} " + "".join(row).rstrip())
    drawn.append(" " * margin + _axis(end_s, cells))
    if has_requests and len(parts) > 1:
        begins = [(cell(min(span.sent_s for span in part.spans)), part.cost.label) for part in parts]
        drawn.append(" " * margin + _names(begins))
    return drawn


def _bar(cells: int) -> str:
    return "│" if cells == 1 else f"├{'─' * (cells - 2)}┤"


def _axis(end_s: float, cells: int) -> str:
    """Write 0, the middle and the end below their places."""
    end = show_ns(end_s * NS_PER_S)
    middle = show_ns(end_s / 2 * NS_PER_S)
    return f"0{middle:^{cells - 1 - len(end)}}{end}"


def _names(begins: Sequence[tuple[int, str]]) -> str:
    """Write names below their begins, each after the one before."""
    written = ""
    for begin, name in begins:
        written = f"{written:<{begin}}" if len(written) < begin or not written else f"{written} "
        written += name
    return written
