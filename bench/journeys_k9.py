"""The same steps as journeys_lab.py for k9."""

import os

import k9

options = {"vus": 50, "duration": os.environ["SECONDS_OF_LOAD"]}
URL = os.environ["URL_OF_LOAD"]
COOKIE = {"headers": {"Cookie": "session=0123456789abcdef"}}


async def default() -> None:
    """Look at four pages."""
    for path in ("a", "b", "c", "d"):
        reply = await k9.http.get(URL + path, **COOKIE)
        assert reply.headers["Content-Type"]
