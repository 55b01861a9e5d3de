"""A step's batch: the same few requests in another way, predicted and measured."""

from loadlab.scenarios import scenario
from loadlab.tour import calibrate, predict
from loadlab.tour.lab import Lab, Served

FEW = 5
"""Requests of the steps that send a few."""
MANY = 100


async def few(lab: Lab, name: str) -> None:
    """Compare `FEW` requests in this scenario, all to the same target."""
    await batch(lab, await lab.main(), name, FEW)


async def batch(
    lab: Lab, served: Served, name: str, requests: int, *, processes: int = 1, against: str = ""
) -> None:
    """Compare a batch of a scenario with what the target's pace makes of it."""
    plan = lab.batch_plan(name, requests, processes=processes)
    prediction = predict.batch(plan, scenario(name).TRAITS, await calibrate.pace(lab, served))
    await lab.compare(f"{name}, {requests} requests{against}", prediction, plan, served)
