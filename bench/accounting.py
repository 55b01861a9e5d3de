"""Does a stage's own account add up, and does it agree with that of the server? Pure.

What the server counts is what it has read, by what it did with it. What the client says of the same requests
may differ where a request was never read: no connection was made, or the server had closed the connection.
And where the client's time limit came first: what the server answered is then a timeout. And what a lost
worker had sent since its last report is unknown. Each of these differences has a measure; what is left is
unaccounted for.
"""

from typing import Any, NamedTuple

from loadlab.recording.reasons import NO_CONNECTION, UNHEARD

Stage = dict[str, Any]
"""A stage of a result."""

OUTCOMES = ("ok", "http_error", "timeout", "connect_error", "protocol_error", "dropped", "unfinished")
ENDS_AS = {
    "good": "ok",
    "chunked": "ok",
    "slow": "ok",
    "error": "http_error",
    "closed": "protocol_error",
    "reset": "protocol_error",
    "truncated": "protocol_error",
    "garbage": "protocol_error",
    "late": "timeout",
}
"""What each way of the server must be to the client."""
UNFORESEEN = "unexpected "
"""How the reason of a failure begins that a library raised and no transport foresaw."""


class Served(NamedTuple):
    """What the server counted over the same requests."""

    done: dict[str, int]
    settled: bool
    unknown: int = 0
    """The most that a lost worker may have sent without a report; 0 where none was lost."""

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.done.values())


def problems(stage: Stage, served: Served) -> list[str]:
    """Say what does not add up, a sentence each."""
    found = _own(stage, served.unknown)
    if not served.settled:
        found.append("connections were still open after the run")
    unread = stage["sent_total"] - _unconnected(stage) - served.total
    unheard = _reasons(stage, "protocol_error", UNHEARD)
    hung_up = served.done.get("closed", 0) + served.done.get("reset", 0)
    timeouts = stage["counts"]["timeout"]
    spare = max(0, unheard - hung_up) + max(0, timeouts - served.done.get("late", 0))
    if "mutated" in served.done:
        spare = unheard + timeouts
    if not -served.unknown <= unread <= spare + stage["counts"]["unfinished"] + served.unknown:
        found.append(
            f"the client sent {stage['sent_total']:,}, the server read {served.total:,}: {unread:+,} are not"
            f" explained by {spare:,} without an answer and {served.unknown:,} of lost workers"
        )
    if "mutated" not in served.done:
        found += _by_outcome(stage, served, max(0, unread))
    return found


def _own(stage: Stage, unknown: int) -> list[str]:
    """Say where the result contradicts itself."""
    counts = stage["counts"]
    found = []
    if (total := sum(counts[name] for name in OUTCOMES)) != counts["scheduled"]:
        found.append(f"{counts['scheduled']:,} were scheduled, and the outcomes add up to {total:,}")
    open_ends = stage["sent_total"] - (counts["scheduled"] - counts["dropped"])
    if not 0 <= open_ends <= unknown:
        found.append(f"{open_ends:+,} sent requests have no outcome")
    found += [
        f"the reasons of {name} add up to {_reasons(stage, name):,} of {counts[name]:,}"
        for name in OUTCOMES
        if name not in {"ok", "dropped"} and _reasons(stage, name) != counts[name]
    ]
    found += [
        f"{each['count']:,} x {each['reason']}"
        for each in stage["errors"]
        if each["reason"].startswith(UNFORESEEN)
    ]
    return found


def _by_outcome(stage: Stage, served: Served, unread: int) -> list[str]:
    """Say which outcome differs from what the server did, by more than is explained."""
    counts = stage["counts"]
    expected = dict.fromkeys(ENDS_AS.values(), 0)
    for way, count in served.done.items():
        expected[ENDS_AS[way]] += count
    spare = abs(counts["timeout"] - expected["timeout"]) + counts["unfinished"] + unread + served.unknown
    return [
        f"{counts[name]:,} were {name}, and the server did so to {count:,} ({spare:,} are explained)"
        for name, count in expected.items()
        if name != "timeout" and abs(counts[name] - count) > spare
    ]


def _unconnected(stage: Stage) -> int:
    """Return how many of the sent requests had no connection to go over."""
    return stage["counts"]["connect_error"] + _reasons(stage, "timeout", frozenset({NO_CONNECTION}))


def _reasons(stage: Stage, kind: str, among: frozenset[str] | None = None) -> int:
    return sum(
        each["count"]
        for each in stage["errors"]
        if each["kind"] == kind and (among is None or each["reason"] in among)
    )
