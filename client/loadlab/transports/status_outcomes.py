"""What the transports share when they name an outcome, so that they can't name it differently.

`body_bytes` is of complete responses only, and so is the status: a reply that is not `ok` or `http_error` has
its reason instead (`loadlab.recording.reasons`), and 0 bytes, however much had arrived.
"""

from functools import cache
from typing import Final

from loadlab.recording import reasons
from loadlab.recording.reasons import number_of, shown
from loadlab.recording.sample import Outcome, Reply
from loadlab.workload.plan import Plan


@cache
def failed(outcome: Outcome, reason: str) -> Reply:
    """Return the reply of a request without a complete response."""
    return Reply(outcome, number_of(reason))


TIMED_OUT: Final = failed(Outcome.TIMEOUT, reasons.NO_ANSWER)
NOT_IN_TIME: Final = failed(Outcome.TIMEOUT, reasons.NO_CONNECTION)
ENDED_HERE: Final = failed(Outcome.PROTOCOL_ERROR, reasons.ENDED_HERE)


TLS_ALERT: Final = b"\x15\x03"
"""How an answer begins that is no HTTP: the first bytes of a TLS record with an alert."""


def timed_out(*, connected: bool) -> Reply:
    """Return the reply of a request that ran out of time."""
    return TIMED_OUT if connected else NOT_IN_TIME


def cut_off(*, kept: bool, heard: bool, reset: bool) -> Reply:
    """Return the reply where the other side closed the connection under a request.

    `kept`: it had served another request before; `heard`: some of the answer had come; `reset`: it was closed
    with RST. What closes a kept connection before any byte is the same whether FIN or RST comes first.
    """
    if heard:
        reason = reasons.CUT_OFF_BY_RESET if reset else reasons.CUT_OFF
    elif kept:
        reason = reasons.CLOSED_WHILE_KEPT
    else:
        reason = reasons.RESET if reset else reasons.CLOSED
    return failed(Outcome.PROTOCOL_ERROR, reason)


_KINDS: Final = (
    (("speaks tls",), reasons.IS_TLS),
    (("status line", "expected http", "another protocol", "badstatus", "bad status"), reasons.NOT_HTTP),
    (
        ("too long", "too large", "too many", "linetoolong", "endless", "more than", "fields"),
        reasons.TOO_LONG,
    ),
    (("headerparsingerror",), reasons.BAD_HEADER),
    (("content-length", "content length"), reasons.BAD_LENGTH),
    (("chunk",), reasons.BAD_CHUNK),
    (("header", "token", "without cr", "lf"), reasons.BAD_HEADER),
)
"""What the readers' own complaints come to, by the words in them, the first that fits."""


def malformed(complaint: str) -> Reply:
    """Return the reply to what is not a valid response; `complaint` is what its reader says."""
    words = complaint.lower()
    reason = next((kind for signs, kind in _KINDS if any(sign in words for sign in signs)), reasons.INVALID)
    return failed(Outcome.PROTOCOL_ERROR, reason)


def unexpected(error: BaseException) -> Reply:
    """Return the reply where a library raised something unforeseen: this request failed, not its worker."""
    return failed(Outcome.PROTOCOL_ERROR, shown(f"unexpected {type(error).__name__}: {error}"))


class Verdicts(dict[int, Outcome]):
    """The outcome of each status as the plan expects it; a status is judged once, then looked up."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self._plan = plan

    def __missing__(self, status: int) -> Outcome:
        outcome = self[status] = Outcome.OK if self._plan.expects(status) else Outcome.HTTP_ERROR
        return outcome
