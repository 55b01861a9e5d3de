"""An agent that refuses, falls silent, or says what can't be understood; tests/end_to_end has whole runs."""

import asyncio

import msgspec
import pytest
from aiohttp import web

from loadlab.errors import Exit, LostAgentError, UsageError
from loadlab.remote import agent_client
from loadlab.remote.agent_client import AgentClient
from loadlab.remote.agent_runner import RunRequest
from loadlab.results.events import Noted, Refused
from support.fakes import plan

REQUEST = RunRequest("r", plan())
NOTED = Noted("one")
LAST = Refused("no", Exit.TARGET, "r")


def told(event):
    return b"id: 1\ndata: " + msgspec.json.encode(event) + b"\n\n"


def heard(answer, most=10):
    """Return what is heard of an agent that answers so, and what it was asked with."""
    asked = {}

    async def answer_run(request):
        asked.update(path=request.path, headers=request.headers.copy(), posted=await request.json())
        return await answer(request)

    async def scene():
        app = web.Application()
        app.add_routes([web.post("/api/runs/r", answer_run)])
        runner = web.AppRunner(app, handler_cancellation=True)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]
        events = []
        try:
            async with AgentClient(f"http://127.0.0.1:{port}", "the-token") as agent:
                async for event in agent.run(REQUEST):
                    events.append(event)
                    if len(events) == most:
                        break
        finally:
            await runner.cleanup()
        return events

    return asyncio.run(scene()), asked


def stream(*pieces, then=None):
    async def answer(request):
        response = web.StreamResponse()
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
            await asyncio.sleep(0.01)
        if then is not None:
            await then(request)
        return response

    return answer


def test_events_are_heard_wherever_the_stream_is_cut():
    data = b"retry: 1000\n\n" + told(NOTED) + b": still here\n\n" + told(LAST)
    events, asked = heard(stream(data[:40], data[40:45], data[45:]))
    assert events == [NOTED, LAST]
    assert asked["headers"]["Authorization"] == "Bearer the-token"
    assert asked["headers"]["Content-Type"] == "application/json"
    assert set(asked["posted"]) == {"plan", "about"}


def test_a_refusal_is_told_in_the_agents_own_words():
    async def answer(_):
        return web.json_response({"error": "another run is under way"}, status=409)

    with pytest.raises(UsageError, match=r"^another run is under way$"):
        heard(answer)


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"busy", b"{}", b"[]", b'{"error": 1}', b'{"error": "\xff"}', b"\xff\xfe", b"[" * 100_000),
        b'"' + b"x" * (2 << 20) + b'"',
    ],
)
def test_what_is_no_answer_of_an_agent_is_told_with_the_remedy(body):
    async def answer(_):
        return web.Response(body=body, status=404)

    with pytest.raises(
        UsageError, match=r"the agent does not answer at http://127.0.0.1:.*`make up` puts it right"
    ):
        heard(answer)


@pytest.mark.parametrize("line", [b"{}", b"not json", b'{"type":"Tick","index":"0"}'])
def test_an_agent_of_another_version_is_told_with_the_remedy(line):
    with pytest.raises(UsageError, match="`make up` brings it up to date"):
        heard(stream(b"data: " + line + b"\n"))


def test_silence_is_told_every_few_seconds_and_costs_no_event(monkeypatch):
    monkeypatch.setattr(agent_client, "_SILENCE_S", 0.05)

    async def silent(_):
        await asyncio.sleep(0.5)

    events, _ = heard(stream(told(NOTED)[:20], then=silent), most=3)
    assert events == [None, None, None]


def test_an_agent_that_is_silent_for_long_is_lost(monkeypatch):
    monkeypatch.setattr(agent_client, "_LOST_AFTER_S", 0.2)

    async def silent(_):
        await asyncio.sleep(30)

    with pytest.raises(LostAgentError, match=r"the agent said nothing for 0\.2 s"):
        heard(stream(told(NOTED), then=silent))


def test_a_connection_that_breaks_is_a_lost_agent():
    async def broken(request):
        request.transport.abort()

    with pytest.raises(LostAgentError, match="the agent has gone"):
        heard(stream(told(NOTED), then=broken))
