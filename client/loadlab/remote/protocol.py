"""What a host says to `loadlab carry` in the client container, and what it hears: a line of JSON each.

The host sends one `RunRequest`, and `stop` for each Ctrl-C. The end of its input tells the container that
nobody is left there: it gives up at once, so that no load outlives its host. Back come `Accepted`, then the
events of the run, or `Refused` in their place.
"""

import msgspec

from loadlab.errors import Exit
from loadlab.results.events import Noted, RunBegan, RunEnded, StageBegan, StageEnded, Tick
from loadlab.results.result import NAMELESS, About
from loadlab.system.environment import Environment
from loadlab.system.files import decode_json
from loadlab.workload.plan import Plan

STOP = b"stop"
COMMAND = ("loadlab", "carry")


class RunRequest(msgspec.Struct, frozen=True):
    """What is to be carried."""

    run_id: str
    plan: Plan
    about: About = NAMELESS


class Accepted(msgspec.Struct, tag=True, frozen=True):
    """The request was understood; this is what it will be measured with."""

    environment: Environment


class Refused(msgspec.Struct, tag=True, frozen=True):
    """The run can't begin: an error's sentence and exit code, as if it had happened on the host."""

    sentence: str
    exit: Exit
    run_id: str | None = None
    """Which run; None where there is but one."""


Line = Accepted | Refused | RunBegan | Noted | StageBegan | Tick | StageEnded | RunEnded


def encode(line: RunRequest | Line) -> bytes:
    """Write a line, without its end."""
    return msgspec.json.encode(line)


def decode_request(line: bytes) -> RunRequest:
    """Read what the host sent; msgspec.DecodeError where it is none."""
    return decode_json(line, _REQUEST)


def decode(line: bytes) -> Line:
    """Read what the container sent; msgspec.DecodeError where it is nothing of this version."""
    return decode_json(line, _LINE)


_REQUEST: msgspec.json.Decoder[RunRequest] = msgspec.json.Decoder(RunRequest)
_LINE: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)
