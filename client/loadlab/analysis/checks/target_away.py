"""The check of a target that gave no answer for a while, and from when to when that was. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from loadlab.analysis.checks.check import CheckInput, make_check
from loadlab.analysis.outages import in_seconds
from loadlab.results.result import Check, Outage, Standstill
from loadlab.units import show_ns

_TOLD = 3


def target_away(case: CheckInput) -> Check:
    """Say from when to when no request was answered, though some were asked."""
    spans: tuple[Outage | Standstill, ...] = (*case.stage.outages, *case.stage.stalls)
    return make_check(
        name="target_away",
        metric="time without an answer in which requests failed or waited far longer than usual",
        operator="==",
        limit=0,
        actual=sum(span.to_ns - span.from_ns for span in spans),
        unit="ns",
        ok="no gap between answers stands out from this load's usual ones",
        untestable=None if spans or case.stage.throughput_hz else "no answer came in the window",
        fail="; ".join(filter(None, (_away(case), _stood_still(case)))),
    )


def _away(case: CheckInput) -> str | None:
    spans, window_ns = case.stage.outages, case.stage.window_ns
    if not spans:
        return None
    if [(span.from_ns, span.to_ns) for span in spans] == [(0, window_ns)]:
        return f"the target gave no answer in the whole window ({_clock(case, spans[0])})"
    return (
        f"the target gave no answer {_told(case, spans)}: look at its log. Throughput includes that time,"
        " latency does not"
    )


def _stood_still(case: CheckInput) -> str | None:
    spans = case.stage.stalls
    if not spans:
        return None
    return (
        f"the target or the network stalled {_told(case, spans)}: requests were in flight and none was"
        " answered. Look at the target's log"
    )


def _told(case: CheckInput, spans: Sequence[Outage | Standstill]) -> str:
    window_ns = case.stage.window_ns
    told = ", and ".join(
        f"for {show_ns(span.to_ns - span.from_ns)}, {in_seconds(span.from_ns, span.to_ns, window_ns)}"
        f" ({_clock(case, span)})"
        for span in spans[:_TOLD]
    )
    return told + (f", and {len(spans) - _TOLD} more times" if len(spans) > _TOLD else "")


def _clock(case: CheckInput, span: Outage | Standstill) -> str:
    """Return the span by the wall clock, in UTC."""
    if case.stage.began_at is None:
        return "wall-clock time unknown"
    began = datetime.fromisoformat(case.stage.began_at)
    ends = (began + timedelta(microseconds=ns / 1_000) for ns in (span.from_ns, span.to_ns))
    return " to ".join(f"{end:%H:%M:%S}.{end.microsecond // 100_000}" for end in ends) + " UTC"
