"""The earlier runs of a result folder, as a list of what each was and came to.

Of a file only the few values of the list are decoded, and what was decoded is kept until the file changes.
"""

import os
import re
import threading
from pathlib import Path

import msgspec

from loadlab.results.result import State, Verdict
from loadlab.results.run_folder import RESULT
from loadlab.system.files import read_json
from loadlab.targets import App
from loadlab.transports import contacts_target
from loadlab.units import show_ns
from loadlab.workload.masking import Secrets, masked_query
from loadlab.workload.url import origin_and_rest

_OWN = re.compile(r"a target of its own.* \((.*)\), http://[0-9.]+:[0-9]+")
"""Where a target of the lab's own is: served so, at another address in each run."""
_USUAL = "GET /"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,119}")


class _Counts(msgspec.Struct):
    ok: int


class _Stage(msgspec.Struct):
    counts: _Counts
    label: str
    throughput_hz: float
    state: State
    unknown: dict[str, str] = {}


class _Request(msgspec.Struct):
    url: str
    method: str = "GET"


class _Plan(msgspec.Struct):
    scenario: str
    transport: str
    workload: str
    requests: list[_Request] = []
    duration_ns: int | None = None
    think_ns: int = 0
    processes: int = 1


class _Environment(msgspec.Struct):
    where: str = ""


class _Result(msgspec.Struct):
    """What of a result file is looked at; msgspec skips the rest unread."""

    run_id: str
    started_at: str
    verdict: Verdict
    interrupted: bool
    plan: _Plan
    stages: list[_Stage]
    label: str | None = None
    command: str | None = None
    app: App | None = None
    environment: _Environment = msgspec.field(default_factory=_Environment)


class EarlierRun(msgspec.Struct, frozen=True, kw_only=True):
    """What the list says of a run."""

    run_id: str
    label: str | None = None
    command: str | None = None
    app: App | None = None
    started_at: str
    scenario: str
    transport: str
    workload: str
    verdict: Verdict
    interrupted: bool
    suspect: bool
    """Whether any stage is."""
    stages: int
    loads: tuple[str, ...]
    """What each stage was called: its users, rate or requests."""
    settings: dict[str, str]
    """What else tells one run from another, in words by what it is."""
    best_throughput_hz: float | None
    """Of its stages that are valid and had a request that ended ok; None where there is none."""


class Archive:
    """A folder of result folders."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, tuple[tuple[int, int], EarlierRun | None]] = {}
        self._reading = threading.Lock()

    def runs(self, limit: int | None = None) -> list[EarlierRun]:
        """Return the runs, newest first; a file that is no result of this version is left out.

        Any thread may ask; who asks while another reads the folder waits, and has nothing to read again.
        """
        with self._reading:
            runs = self._read()
        return sorted(runs, key=lambda run: run.started_at, reverse=True)[:limit]

    def _read(self) -> list[EarlierRun]:
        known = self._known
        seen: dict[str, tuple[tuple[int, int], EarlierRun | None]] = {}
        for name in self._names():
            path = os.path.join(self._folder, name, RESULT)  # noqa: PTH118 - half the time of a Path, a thousand times
            try:
                status = os.stat(path)  # noqa: PTH116 - as above
            except OSError:
                continue
            version = status.st_mtime_ns, status.st_size
            entry = known.get(name)
            seen[name] = entry if entry is not None and entry[0] == version else (version, _read(name, path))
        self._known = seen
        return [run for _, run in seen.values() if run]

    def file(self, run_id: str) -> Path | None:
        """Return the result file of a run; None where there is none, or it is no name of a run at all."""
        if not _ID.fullmatch(run_id):
            return None
        path = self._folder / run_id / RESULT
        # A link that was put there leads nowhere either.
        inside = path.resolve().is_relative_to(self._folder.resolve())
        return path if inside and path.is_file() else None

    def _names(self) -> list[str]:
        try:
            with os.scandir(self._folder) as entries:
                return [
                    entry.name
                    for entry in entries
                    if _ID.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)
                ]
        except OSError:
            return []


def is_run_id(text: str) -> bool:
    """Tell whether a run may be called that."""
    return _ID.fullmatch(text) is not None


_DECODER = msgspec.json.Decoder(_Result)


def _read(name: str, path: str) -> EarlierRun | None:
    try:
        result = read_json(path, _DECODER)
    except (OSError, msgspec.DecodeError):
        return None
    return EarlierRun(
        run_id=name,
        label=result.label,
        command=result.command,
        app=result.app,
        started_at=result.started_at,
        scenario=result.plan.scenario,
        transport=result.plan.transport,
        workload=result.plan.workload,
        verdict=result.verdict,
        interrupted=result.interrupted,
        suspect=any(stage.state is State.SUSPECT for stage in result.stages),
        stages=len(result.stages),
        loads=tuple(stage.label for stage in result.stages),
        settings=_settings(result.plan, result.environment.where),
        best_throughput_hz=max(
            (
                stage.throughput_hz
                for stage in result.stages
                if stage.state is not State.INVALID
                and stage.counts.ok
                and "throughput_hz" not in stage.unknown
            ),
            default=None,
        ),
    )


def _settings(plan: _Plan, where: str) -> dict[str, str]:
    """Return what else tells a run from another, in words; what is usual is left out."""
    asked = [f"{request.method} {masked_query(origin_and_rest(request.url)[1])}" for request in plan.requests]
    told = {
        "request": "" if asked == [_USUAL] else asked[0] if len(asked) == 1 else f"{len(asked)} requests",
        "duration": "" if plan.duration_ns is None else f"{show_ns(plan.duration_ns)} each",
        "think": f"think {show_ns(plan.think_ns)}" if plan.think_ns else "",
        "processes": f"{plan.processes} processes" if plan.processes > 1 else "",
        "where": Secrets().masked(_OWN.sub(r"\1", where)) if contacts_target(plan.transport) else "",
    }
    return {name: words for name, words in told.items() if words}
