"""What the agent answers over HTTP: page, run API, events, metrics. docs/agent.md describes it."""

import asyncio
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any

import msgspec
from aiohttp import hdrs, web
from msgspec import structs

from loadlab.agent import run_request
from loadlab.agent.access import Guard, NoGuard
from loadlab.agent.event_log import Message, RunEvents
from loadlab.agent.limits import Limits
from loadlab.agent.one_run import AgentRun
from loadlab.agent.page_files import PageFiles
from loadlab.agent.runs import BusyError, Runs
from loadlab.analysis.judge_run import headline
from loadlab.clock import NS_PER_S
from loadlab.errors import LabError, UsageError
from loadlab.metrics import Metrics
from loadlab.options.load import DEFAULT_BATCH, DEFAULT_CONCURRENCY, DEFAULT_DURATION_NS, traits_of
from loadlab.results.archive import Archive, EarlierRun, is_run_id
from loadlab.runs import kept_result
from loadlab.scenarios import names
from loadlab.units import whole_number

HEADERS = {
    # Scripts and everything else from here alone; the charts set styles of their elements and draw on images.
    "Content-Security-Policy": (
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; object-src 'none';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Server": "loadlab",
}
_OPEN = frozenset({"/", "/static/{name}", "/healthz", "/metrics"})
"""What can be read without the token: it tells of no run but in figures, and a scraper has none."""
MOST_FOLLOWERS = 32
_OWNER_BODY_BYTES = 64 * 1024 * 1024
"""Posted by a client that stays to the run's end, or over the unix socket."""
_BODY_WITHIN_S = 10.0
_WRITE_WITHIN_S = 30.0
"""How long a follower may not read while there is more than its connection holds.

The client that named the run may take any time: a suspended terminal costs it no run.
"""

_SCRAPER = "X-Prometheus-Scrape-Timeout-Seconds"
"""Sent by Prometheus, and by what stands in for it."""
_SENTENCES = {
    404: "there is nothing of that name",
    405: "that is not what can be done with it",
    413: "what is posted is larger than the agent takes",
}
_DEFAULTS = {
    "concurrency": ",".join(map(str, DEFAULT_CONCURRENCY)),
    "requests": str(DEFAULT_BATCH),
    "duration": f"{DEFAULT_DURATION_NS / NS_PER_S:g}s",
}

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Api:
    """The handlers of one listening address."""

    def __init__(self, runs: Runs, metrics: Metrics, archive: Archive, guard: Guard | NoGuard) -> None:
        """Take what it serves; without a `Guard` it is the unix socket, where plans have no limits."""
        self._runs = runs
        self._metrics = metrics
        self._archive = archive
        self._guard = guard
        self._files = PageFiles()
        self._limits = Limits()
        self._is_socket = isinstance(guard, NoGuard)
        self._followers = 0

    def application(self) -> web.Application:
        """Return what aiohttp serves."""
        most = _OWNER_BODY_BYTES if self._is_socket else self._limits.body_bytes
        app = web.Application(middlewares=[self._checked], client_max_size=most)
        app.on_response_prepare.append(_with_headers)
        app.add_routes(
            [
                web.get("/", self._page),
                web.get("/static/{name}", self._static),
                web.get("/healthz", self._health),
                web.get("/metrics", self._expose),
                web.get("/api/state", self._state),
                web.get("/api/events", self._events),
                web.get("/api/runs", self._list),
                web.post("/api/runs", self._start),
                web.get("/api/runs/{id}", self._run),
                web.post("/api/runs/{id}", self._carry),
                web.get("/api/runs/{id}/result.json", self._result),
                web.get("/api/runs/{id}/events", self._events_of),
                web.post("/api/runs/{id}/stop", self._stop),
            ]
        )
        return app

    @web.middleware
    async def _checked(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Ask the guard first; answer errors as the API does."""
        resource = request.match_info.route.resource
        path = None if resource is None else resource.canonical
        refused = self._guard.refusal(
            request.method, request.raw_path, request.headers, is_open=path in _OPEN, is_page=path == "/"
        )
        if refused is not None:
            return _error(refused.status, refused.sentence)
        try:
            return await handler(request)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            response = _error(error.status, _SENTENCES.get(error.status, error.reason))
            if hdrs.ALLOW in error.headers:
                response.headers[hdrs.ALLOW] = error.headers[hdrs.ALLOW]
            return response

    async def _page(self, request: web.Request) -> web.StreamResponse:
        return self._file(request, "index.html")

    async def _static(self, request: web.Request) -> web.StreamResponse:
        return self._file(request, request.match_info["name"])

    def _file(self, request: web.Request, name: str) -> web.StreamResponse:
        file = self._files.get(name)
        if file is None:
            return _error(404, f"there is no {name}")
        headers = {hdrs.ETAG: file.tag, hdrs.CACHE_CONTROL: "no-cache"}
        if file.tag in request.headers.get(hdrs.IF_NONE_MATCH, ""):
            return web.Response(status=304, headers=headers)
        return web.Response(body=file.data, headers=headers | {hdrs.CONTENT_TYPE: file.type})

    async def _health(self, _: web.Request) -> web.StreamResponse:
        return web.Response(text="ok\n")

    async def _expose(self, request: web.Request) -> web.StreamResponse:
        # Only a scraper makes a run wait, not every reader.
        text, content_type = self._metrics.expose(scraper=_SCRAPER in request.headers)
        return web.Response(body=text, headers={hdrs.CONTENT_TYPE: content_type})

    async def _state(self, _: web.Request) -> web.StreamResponse:
        running = self._runs.running
        return _json(
            {
                "version": version("concurrency-lab"),
                "running": running
                and {"run_id": running.run_id, "scenario": running.plan.scenario, "since": running.since},
                "target": self._runs.target,
                "target_options": self._runs.common.target,
                "results_options": self._runs.common.results,
                "scenarios": _scenarios(),
                "defaults": _DEFAULTS,
                "limits": self._limits,
            }
        )

    async def _list(self, request: web.Request) -> web.StreamResponse:
        text = request.query.get("limit")
        limit = None if text is None else whole_number(text)
        if text is not None and limit is None:
            return _error(400, f"limit: {text!r} is not a whole number")
        runs = await asyncio.to_thread(self._archive.runs, limit)
        return _json([_listed(run) for run in runs])

    async def _run(self, request: web.Request) -> web.StreamResponse:
        path = await asyncio.to_thread(self._archive.file, request.match_info["id"])
        if path is None:
            return _error(404, "there is no result of that name")
        try:
            return _json(await asyncio.to_thread(kept_result.read, path))
        except UsageError:
            return _error(404, "the result of that name can't be read by this version")

    async def _result(self, request: web.Request) -> web.StreamResponse:
        path = await asyncio.to_thread(self._archive.file, request.match_info["id"])
        if path is None:
            return _error(404, "there is no result of that name")
        headers = {hdrs.CONTENT_TYPE: "application/json", hdrs.CACHE_CONTROL: "no-cache"}
        return web.FileResponse(path, headers=headers)

    async def _start(self, request: web.Request) -> web.StreamResponse:
        run = await self._started(request, None if self._is_socket else self._limits)
        return _json({"run_id": run.run_id}, status=201) if isinstance(run, AgentRun) else run

    async def _carry(self, request: web.Request) -> web.StreamResponse:
        """Carry a run for the client that names it, for as long as its connection lives."""
        run_id = request.match_info["id"]
        if not is_run_id(run_id):
            return _error(400, f"{run_id!r} is no name of a run")
        larger = request.clone(client_max_size=_OWNER_BODY_BYTES)
        run = await self._started(larger, None, run_id)
        if not isinstance(run, AgentRun):
            return run
        try:
            return await self._tell(request, None, self._runs.events_of(run_id), write_within_s=None)
        finally:
            run.give_up()

    async def _started(
        self, request: web.Request, limits: Limits | None, run_id: str | None = None
    ) -> AgentRun | web.Response:
        """Start what is posted; return the refusal where it can't be."""
        try:
            async with asyncio.timeout(_BODY_WITHIN_S):
                data = await request.read()
        except TimeoutError:
            return _error(408, f"what is posted must be here within {_BODY_WITHIN_S:.0f} s")
        try:
            return self._runs.start(run_request.read(data), limits, run_id)
        except BusyError as error:
            return _error(409, str(error), run_id=error.run_id)
        except LabError as error:
            return _error(400, str(error))

    async def _stop(self, request: web.Request) -> web.StreamResponse:
        run_id = request.match_info["id"]
        run = self._runs.running
        if run is None or run.run_id != run_id:
            known = self._runs.events_of(run_id) is not None or self._archive.file(run_id) is not None
            return _error(
                409 if known else 404, f"{run_id} is over" if known else "there is no run of that name"
            )
        run.stop()
        return _json({"run_id": run.run_id}, status=202)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        return await self._follow(request, None)

    async def _events_of(self, request: web.Request) -> web.StreamResponse:
        events = self._runs.events_of(request.match_info["id"])
        if events is None:
            return _error(404, "the events of that run are not kept; its result.json is, where there is one")
        return await self._follow(request, events)

    async def _follow(self, request: web.Request, only: RunEvents | None) -> web.StreamResponse:
        since = whole_number(request.headers.get("Last-Event-ID", ""))
        if self._followers >= MOST_FOLLOWERS:
            return _error(503, f"{MOST_FOLLOWERS} follow already, which is the most that the agent serves")
        self._followers += 1
        try:
            return await self._tell(request, since, only, write_within_s=_WRITE_WITHIN_S)
        finally:
            self._followers -= 1

    async def _tell(
        self, request: web.Request, since: int | None, only: RunEvents | None, *, write_within_s: float | None
    ) -> web.StreamResponse:
        """Answer with events as they come, until their end or until the other side has gone."""
        headers = {hdrs.CONTENT_TYPE: "text/event-stream", hdrs.CACHE_CONTROL: "no-store"}
        response = web.StreamResponse(headers=headers)
        try:
            await response.prepare(request)
            await _write(response, b"retry: 1000\n\n", write_within_s)
            async for messages in self._runs.event_log.follow(since, only):
                data = b"".join(map(_as_event, messages)) or b": still here\n\n"
                await _write(response, data, write_within_s)
        except (ConnectionError, TimeoutError):
            pass  # it has gone, or does not read
        return response


def _scenarios() -> list[dict[str, Any]]:
    told = ("name", "idea", "workloads", "single_user", "many_processes")
    found = []
    for traits in map(traits_of, names()):
        transports = [transport.name for transport in traits.transports]
        found.append({key: getattr(traits, key) for key in told} | {"transports": transports})
    return found


async def _write(response: web.StreamResponse, data: bytes, within_s: float | None) -> None:
    async with asyncio.timeout(within_s):
        await response.write(data)


def _as_event(message: Message) -> bytes:
    return b"id: %d\ndata: %b\n\n" % (message.id, message.data)


async def _with_headers(_: web.Request, response: web.StreamResponse) -> None:
    for name, value in HEADERS.items():
        response.headers[name] = value
    response.headers.setdefault(hdrs.CACHE_CONTROL, "no-store")


def _listed(run: EarlierRun) -> dict[str, Any]:
    """Return an earlier run with its verdict's one name."""
    named = headline(run.verdict, stopped=run.interrupted, suspect=run.suspect)
    return structs.asdict(run) | {"headline": named}


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:  # noqa: ANN401 - whatever msgspec encodes
    return web.Response(
        body=msgspec.json.encode(value), status=status, content_type="application/json", headers=headers
    )


def _error(status: int, sentence: str, **more: str) -> web.Response:
    return _json({"error": sentence, **more}, status)
