"""The other way to wait together."""

from concurrent.futures import ThreadPoolExecutor

import requests

from loadlab.tour import Step
from loadlab.tour.batches import few
from loadlab.tour.lab import Lab


def main(url: str) -> list[requests.Response]:
    """Give each blocking call a thread."""
    with ThreadPoolExecutor(5) as pool:
        return list(pool.map(requests.get, [url] * 5))


async def _carry(lab: Lab) -> None:
    await few(lab, "threads")


STEP = Step(
    title="Threads",
    idea=(
        "Five threads may each hold a blocking call, and the operating system switches between them."
        " While one waits for its reply, it needs neither the processor nor Python's global lock."
    ),
    code=(main,),
    remember=(
        "Threads wait together as well, with the libraries you have; each costs a stack and a switch,"
        " so thousands of them cost more than thousands of tasks."
    ),
    carry=_carry,
)
