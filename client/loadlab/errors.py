"""Every way a run can end, and the errors that carry one of them.

An error owns its exit code; only `loadlab.cli` turns it into an exit.
"""

from collections.abc import Iterable
from enum import IntEnum


class Exit(IntEnum):
    """The process exit codes of `loadlab`."""

    PASS = 0
    THRESHOLD = 1
    USAGE = 2
    INVALID = 3
    TARGET = 4
    INTERNAL = 70
    INTERRUPTED = 130


_BY_PRECEDENCE = (
    Exit.INTERRUPTED,
    Exit.INTERNAL,
    Exit.USAGE,
    Exit.TARGET,
    Exit.INVALID,
    Exit.THRESHOLD,
    Exit.PASS,
)


def first_of(exits: Iterable[Exit]) -> Exit:
    """Return the exit that counts if several apply; PASS if none does."""
    return min(exits, key=_BY_PRECEDENCE.index, default=Exit.PASS)


class LabError(Exception):
    """One sentence for the person at the terminal, and the exit code that goes with it."""

    exit = Exit.INTERNAL


class UsageError(LabError):
    """The words of a command, a file or an environment variable can't be meant as they stand."""

    exit = Exit.USAGE


class TargetError(LabError):
    """The target can't be started, can't be reached, or was lost."""

    exit = Exit.TARGET


class ClientError(LabError):
    """What was to carry the load was lost before there was anything to keep."""

    exit = Exit.INVALID


class LostAgentError(LabError):
    """The agent that carried a run was there and is no more."""

    exit = Exit.INVALID


class EarlyStopError(LabError):
    """Stopped by Ctrl-C or SIGTERM before there was anything to keep."""

    exit = Exit.INTERRUPTED


def relayed(sentence: str, code: Exit) -> LabError:
    """Return an error that happened in another process."""
    error = LabError(sentence)
    error.exit = code
    return error
