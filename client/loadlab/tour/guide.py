"""Leads through the tour: overview, each step in its order, closing table."""

from typing import Protocol

from loadlab.clock import MONOTONIC
from loadlab.tour import BASIC, NAMES
from loadlab.tour.events import Began, Closed, Measured, Predicted, Row, StepBegan, StepEnded
from loadlab.tour.example import FOLDER, file_of, shown_path, source
from loadlab.tour.lab import Lab
from loadlab.tour.steps import STEPS


class Visitor(Protocol):
    """Who follows the tour."""

    async def go_on(self) -> None:
        """Return when the visitor wants the next step."""
        ...

    async def wants_further(self) -> bool:
        """Ask whether the further steps shall be taken."""
        ...


async def lead(lab: Lab, visitor: Visitor, *, further: bool = False) -> None:
    """Take the basic steps, then the further ones if they are wanted; whatever ends it, no server is left."""
    began_ns = MONOTONIC.now_ns()
    rows: list[Row] = []
    async with lab:
        lab.tell(Began(lab.delay_ns, shown_path(FOLDER)))
        await visitor.go_on()
        for number in range(1, len(NAMES) + 1):
            if number == len(BASIC) + 1 and not further:
                further = await visitor.wants_further()
                if not further:
                    break
            elif number > 1:
                await visitor.go_on()
            rows += await take(lab, number)
        if further:
            await visitor.go_on()
    lab.tell(Closed(tuple(rows), MONOTONIC.now_ns() - began_ns, is_more=not further))


async def take_one(lab: Lab, number: int) -> None:
    """Take this step alone."""
    async with lab:
        await take(lab, number)


async def take(lab: Lab, number: int) -> list[Row]:
    """Take a step: show, predict, run, draw."""
    step, file = STEPS[NAMES[number - 1]], file_of(number)
    lab.tell(
        StepBegan(
            number=number,
            title=step.title,
            idea=step.idea,
            file=shown_path(file),
            code=source(file, step.shows),
        )
    )
    rows: list[Row] = []
    for run in step.runs:
        predictions = run.predict(lab.delay_ns)
        lab.tell(Predicted(run.where, run.names, predictions))
        parts = await lab.run(file, run)
        made = tuple(
            Row(
                number=number,
                label=": ".join(filter(None, (NAMES[number - 1], run.where, name))),
                prediction=prediction,
                measured_ns=part.cost.ns,
            )
            for name, prediction, part in zip(run.names, predictions, parts, strict=True)
        )
        lab.tell(Measured(parts, made))
        rows += made
    lab.tell(StepEnded(step.remember))
    return rows
