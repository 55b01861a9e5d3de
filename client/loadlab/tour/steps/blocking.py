"""Where it all starts: one call after another."""

import requests

from loadlab.tour import Step
from loadlab.tour.batches import few
from loadlab.tour.lab import Lab


def main(url: str) -> None:
    """Wait five times."""
    for _ in range(5):
        response = requests.get(url, timeout=60)
        response.raise_for_status()


async def _carry(lab: Lab) -> None:
    await few(lab, "blocking")


STEP = Step(
    title="Blocking calls, one after another",
    idea=(
        "A blocking call holds its thread until the reply is there."
        " Five of them in a row wait five times, although nobody has anything to do meanwhile."
    ),
    code=(main,),
    remember="One after another, waiting adds up: N calls take N times as long as one.",
    carry=_carry,
)
