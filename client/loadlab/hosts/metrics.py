"""Reading the target's own account from its metrics endpoint."""

import asyncio
import urllib.request

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from loadlab.clock import MONOTONIC

REQUESTS = "target_requests_total"
_TIMEOUT_S = 2.0
_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""A proxy that the environment names is for other hosts than the lab's own target."""


class Reading(msgspec.Struct, frozen=True):
    """Every sample of one scrape, summed over its labels, and when it was taken."""

    at_ns: int
    values: dict[str, float]

    def get(self, name: str) -> float | None:
        """Return a sample's value, None where the target does not tell it."""
        return self.values.get(name)


async def read(url: str | None) -> Reading | None:
    """Scrape the endpoint; None where there is none or it does not answer within two seconds."""
    return None if url is None else await asyncio.to_thread(_read, url)


def _read(url: str) -> Reading | None:
    try:
        with _DIRECTLY.open(url, timeout=_TIMEOUT_S) as response:
            text = response.read().decode()
    except (OSError, ValueError):
        return None
    at_ns = MONOTONIC.now_ns()
    values: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            values[sample.name] = values.get(sample.name, 0.0) + sample.value
    return Reading(at_ns, values)
