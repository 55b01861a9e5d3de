"""A coroutine by itself is not concurrent."""

import aiohttp

from loadlab.tour import Step
from loadlab.tour.batches import few
from loadlab.tour.fetch import get
from loadlab.tour.lab import Lab


async def main(url: str) -> None:
    """Await five, one after another."""
    async with aiohttp.ClientSession() as session:
        for _ in range(5):
            await get(session, url)


async def _carry(lab: Lab) -> None:
    await few(lab, "coroutine")


STEP = Step(
    title="One coroutine alone gains nothing",
    idea=(
        "`await` gives the loop back while a reply is on its way, but here there is nothing else to run."
        " Five coroutines awaited one after another are five calls one after another."
    ),
    code=(get, main),
    remember="`async` and `await` make waiting shareable; without a second task nobody shares it.",
    carry=_carry,
)
