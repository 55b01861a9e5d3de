"""What to look at where requests failed, by the most frequent cause. Pure."""

from collections.abc import Callable, Iterable

from loadlab.recording.reasons import IS_TLS, NO_CONNECTION
from loadlab.recording.sample import REDIRECTS, Outcome
from loadlab.results.result import StageResult
from loadlab.transports.refusals import remedy

ITS_LOG = "see the application's log (target.log if the lab started the target)"
_IN_GENERAL = "check the target, its URL and --expect-status"
_LOGIN = "the page requires a login: send a token or a cookie with --header"
_SLOW = "the page takes longer than --timeout: use a longer one, or find out why the page is slow"
_GONE = f"{ITS_LOG}: the target was gone for a while"
_NO_VALID_ANSWER = f"{ITS_LOG}: the target ended connections without a valid answer"
_NOT_THERE = "check that the target runs at that address"
_FIRST_SERVER_ERROR = 500
_OF_STATUS = {
    401: _LOGIN,
    403: _LOGIN,
    404: "check the path in the URL",
    405: "check --method",
    410: "check the path in the URL",
    429: "the target limits the rate of one client: use less load, or raise that limit",
}


def hint(stages: Iterable[StageResult], expects: Callable[[int], bool]) -> str:
    """Return what to do about the most frequent failure of these stages, without a full stop.

    `expects` tells whether an answer with this status is no failure. What a stopped stage gave up is none.
    """
    times: dict[tuple[str, str], int] = {}
    answered = False
    for stage in stages:
        answered |= stage.counts.answered > 0
        for kind, reason, count in _failures(stage, expects):
            times[kind, reason] = times.get((kind, reason), 0) + count
    if not times:
        return _IN_GENERAL
    return _advice(*max(times, key=lambda cause: times[cause]), answered=answered)


def _failures(stage: StageResult, expects: Callable[[int], bool]) -> Iterable[tuple[str, str, int]]:
    """Give each cause as kind, reason and count; the reason of a status is its number."""
    for status, count in stage.statuses.items():
        if not expects(int(status)):
            yield "http_error", status, count
    for outcome in (Outcome.TIMEOUT, Outcome.CONNECT_ERROR, Outcome.PROTOCOL_ERROR, Outcome.UNFINISHED):
        kind = outcome.key
        reasons = [(each.reason, each.count) for each in stage.errors if each.kind == kind]
        for reason, count in reasons or [("", getattr(stage.counts, kind))]:
            if count and not (stage.halted and outcome is Outcome.UNFINISHED):
                yield kind, reason, count


def _advice(kind: str, reason: str, *, answered: bool) -> str:
    """`answered`: the target was there for a part of the time."""
    match kind:
        case "http_error":
            return _of_status(int(reason))
        case "timeout" if reason == NO_CONNECTION:
            return f"{_NOT_THERE}, or use a longer --connect-timeout"
        case "timeout":
            return _SLOW
        case "unfinished":
            return "find out why the page is slow: some answers had not come by the end of the drain"
        case "connect_error":
            return remedy(reason) or (
                f"{ITS_LOG}: the target was gone for a while" if answered else _NOT_THERE
            )
    return (
        "use https://"
        if reason == IS_TLS
        else f"{ITS_LOG}: the target ended connections without a valid answer"
    )


def _of_status(status: int) -> str:
    if status in REDIRECTS:
        return f"use the address that the redirect leads to, or --expect-status {status}"
    if status >= _FIRST_SERVER_ERROR:
        return ITS_LOG
    return _OF_STATUS.get(status, _IN_GENERAL)
