"""Leads through the tour: each step in its order, then the closing table."""

from loadlab.clock import MONOTONIC
from loadlab.tour import code, step
from loadlab.tour.events import Closed, Row, StepBegan, StepEnded
from loadlab.tour.lab import Lab


async def lead(lab: Lab, numbers: tuple[int, ...]) -> tuple[Row, ...]:
    """Take these steps; whatever ends it, every target has been stopped."""
    began_ns = MONOTONIC.now_ns()
    listing = code.Listing()
    async with lab:
        for number in numbers:
            one = step(number)
            lab.number = number
            lab.tell(StepBegan(number=number, title=one.title, idea=one.idea, code=listing.of(one.code)))
            await one.carry(lab)
            lab.tell(StepEnded(one.remember))
    rows = tuple(lab.rows)
    lab.tell(Closed(rows, MONOTONIC.now_ns() - began_ns))
    return rows
