"""An agent at its unix socket, as whoever has a run carried sees it."""

from collections.abc import AsyncIterator
from typing import Self

import aiohttp
import msgspec

from loadlab.errors import LostAgentError, UsageError
from loadlab.remote.lines import Lines
from loadlab.remote.protocol import RunRequest
from loadlab.system.files import decode_json

_MOST_REFUSAL_BYTES = 1 << 20
_SILENCE_S = 20.0
"""It says every few seconds that it is there."""
_DATA = b"data: "
_LAST = (b'{"type":"RunEnded"', b'{"type":"Refused"')


class _Refusal(msgspec.Struct):
    """What the agent answers where it starts no run."""

    error: str


_REFUSAL: msgspec.json.Decoder[_Refusal] = msgspec.json.Decoder(_Refusal)


class AgentClient:
    """Starts runs there, follows and stops them. Leaving a run that it follows gives the run up."""

    def __init__(self, path: str) -> None:
        """Take the socket's path."""
        self._path = path

    async def __aenter__(self) -> Self:
        """Make ready to speak."""
        self._session = aiohttp.ClientSession(
            base_url="http://localhost",
            connector=aiohttp.UnixConnector(self._path, limit=0),
            timeout=aiohttp.ClientTimeout(total=None, sock_read=_SILENCE_S),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave."""
        await self._session.close()

    async def start(self, request: RunRequest) -> None:
        """Start a run; raise UsageError with the agent's own sentence where it refuses."""
        try:
            async with self._session.post(
                "/api/runs",
                data=msgspec.json.encode(request),
                headers={"Content-Type": "application/json"},
            ) as answer:
                if answer.ok:
                    return
                refusal = decode_json(await _all_of(answer), _REFUSAL)
        except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError) as error:
            raise UsageError(
                f"the agent does not answer at {self._path} ({error}); in the stack, `make up` puts it right"
            ) from None
        raise UsageError(refusal.error)

    async def events(self, run_id: str) -> AsyncIterator[bytes]:
        """Give each event as it was written, up to the last; raise LostAgentError where that never comes."""
        lines = Lines()
        try:
            async with self._session.get(f"/api/runs/{run_id}/events") as answer:
                async for data in answer.content.iter_any():
                    for line in lines.feed(data):
                        if line.startswith(_DATA):
                            yield line.removeprefix(_DATA)
                        if line.removeprefix(_DATA).startswith(_LAST):
                            return
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise LostAgentError(f"the agent was lost ({error})") from None
        raise LostAgentError("the agent has gone")

    async def stop(self, run_id: str) -> None:
        """Ask once more that the run ends; nothing happens where it has."""
        try:
            async with self._session.post(
                f"/api/runs/{run_id}/stop", headers={"Content-Type": "application/json"}
            ):
                pass
        except (aiohttp.ClientError, TimeoutError):
            return  # following it will tell


async def _all_of(answer: aiohttp.ClientResponse) -> bytes:
    """Read a refusal; raise ClientPayloadError where it is longer than any of the agent's."""
    data = bytearray()
    async for piece in answer.content.iter_any():
        data += piece
        if len(data) > _MOST_REFUSAL_BYTES:
            raise aiohttp.ClientPayloadError("an answer without an end")
    return bytes(data)
