"""Whatever answers at the agent's socket, whoever asked for a run gets one sentence."""

import asyncio
import contextlib

import pytest

from loadlab.errors import UsageError
from loadlab.remote.agent_client import AgentClient
from loadlab.remote.protocol import RunRequest
from support.fakes import plan


def refused_with(body, path):
    """Ask for a run where this is the answer's body; return what is said."""

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        head = b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
        writer.write(head % len(body) + body)
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        writer.close()

    async def main():
        async with await asyncio.start_unix_server(answer, path), AgentClient(str(path)) as agent:
            await agent.start(RunRequest("run", plan()))

    with pytest.raises(UsageError) as raised:
        asyncio.run(main())
    return str(raised.value)


def test_a_refusal_is_told_in_the_agents_own_words(tmp_path):
    assert refused_with(b'{"error": "no", "run_id": "a"}', tmp_path / "socket") == "no"


@pytest.mark.parametrize(
    "body",
    [b"", b"busy", b"{}", b"[]", b'{"error": 1}', b'{"error": "\xff"}', b"\xff\xfe", b"[" * 100_000],
)
def test_what_is_no_refusal_of_an_agent_is_no_answer(body, tmp_path):
    assert "the agent does not answer at" in refused_with(body, tmp_path / "socket")
