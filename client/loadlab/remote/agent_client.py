"""The agent's API, as its clients use it: over its port with the token, or its unix socket."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from typing import Self

import aiohttp
import msgspec

from loadlab.errors import LostAgentError, UsageError
from loadlab.remote.agent_runner import RunRequest
from loadlab.remote.lines import Lines
from loadlab.results.events import Event, Refused, decode
from loadlab.system.files import decode_json

_MOST_REFUSAL_BYTES = 1 << 20
_SILENCE_S = 5.0
"""Ticks come twice a second, and a sign of life every three: after such a silence something may be wrong."""
_LOST_AFTER_S = 20.0
"""Of silence."""
_DATA = b"data: "
_JSON = {"Content-Type": "application/json"}


class _Refusal(msgspec.Struct):
    """What the agent answers where it starts no run."""

    error: str


_REFUSAL: msgspec.json.Decoder[_Refusal] = msgspec.json.Decoder(_Refusal)


class AgentClient:
    """Has one run carried, follows it and stops it. Leaving gives the run up."""

    def __init__(
        self, url: str = "http://localhost", token: str | None = None, *, socket: str | None = None
    ) -> None:
        """Take the agent's address and token, or its socket's path."""
        self._url = url
        self._token = token
        self._socket = socket

    async def __aenter__(self) -> Self:
        """Make ready to speak."""
        self._session = aiohttp.ClientSession(
            base_url=self._url,
            connector=aiohttp.UnixConnector(self._socket) if self._socket else aiohttp.TCPConnector(),
            headers={"Authorization": f"Bearer {self._token}"} if self._token else {},
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_SILENCE_S, sock_read=_LOST_AFTER_S),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave."""
        await self._session.close()

    async def run(self, request: RunRequest) -> AsyncGenerator[Event | Refused | None]:
        """Start a run and give its events to the last; None after each few seconds without a word.

        Raises UsageError with the agent's own sentence where it refuses, and LostAgentError where the last
        event never comes.
        """
        async with AsyncExitStack() as stack:
            started = await self._started(stack, request)
            lines = Lines()
            while True:
                patience = asyncio.timeout(_SILENCE_S)
                try:
                    async with patience:
                        data = await started.content.readany()
                    heard = lines.feed(data)
                except TimeoutError:
                    if patience.expired():
                        yield None
                        continue
                    raise LostAgentError(f"the agent said nothing for {_LOST_AFTER_S:g} s") from None
                except aiohttp.ClientError:
                    raise LostAgentError("the agent has gone") from None
                except ValueError as error:
                    raise LostAgentError(f"the agent was lost ({error})") from None
                if not data:
                    return
                for line in heard:
                    if line.startswith(_DATA):
                        yield _event(line.removeprefix(_DATA))

    async def _started(self, stack: AsyncExitStack, request: RunRequest) -> aiohttp.ClientResponse:
        posted = self._session.post(
            f"/api/runs/{request.run_id}",
            data=msgspec.json.encode({"plan": request.plan, "about": request.about}),
            headers=_JSON,
        )
        try:
            answer = await stack.enter_async_context(posted)
            if answer.ok:
                return answer
            refusal = decode_json(await _all_of(answer), _REFUSAL)
        except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError) as error:
            raise UsageError(
                f"the agent does not answer at {self._socket or self._url} ({error}); in the stack, `make up`"
                " puts it right, if the engine is this machine's"
            ) from None
        raise UsageError(refusal.error)

    async def stop(self, run_id: str) -> None:
        """Ask once more that the run ends; nothing happens where it has."""
        try:
            async with self._session.post(f"/api/runs/{run_id}/stop", headers=_JSON):
                pass
        except (aiohttp.ClientError, TimeoutError):
            return  # following it will tell


def _event(data: bytes) -> Event | Refused:
    try:
        return decode(data)
    except msgspec.DecodeError:
        said = data[:200].decode(errors="replace")
        raise UsageError(
            "the agent does not tell the events of this loadlab; `make up` brings it up to date"
            f" (it said: {said})"
        ) from None


async def _all_of(answer: aiohttp.ClientResponse) -> bytes:
    """Read a refusal; raise ClientPayloadError where it is longer than any of the agent's."""
    data = bytearray()
    async for piece in answer.content.iter_any():
        data += piece
        if len(data) > _MOST_REFUSAL_BYTES:
            raise aiohttp.ClientPayloadError("an answer without an end")
    return bytes(data)
