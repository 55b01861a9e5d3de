"""What was counted.

A worker's loop writes finished requests to a `Tape`: one call, seven raw integers. Its full pieces, and the
whole tape once a second, are folded into a `Recorder`, the sums of a span of time, which then goes to the
parent. `merge` is associative and commutative, so the live view, the metrics and the result file are the same
sums. No recorder grows with the number of requests.

What a recorder counts follows the stage's window: counts and latency are of requests due in it,
throughput and slices are of completions in it.
"""

from collections.abc import Iterator
from typing import Self

import msgspec
import numpy as np

from loadlab.clock import NS_PER_S, NS_PER_US
from loadlab.recording.histogram import BucketCounts, Histogram, Int64s, Sparse
from loadlab.recording.journeys import JourneyCounts, JourneyEvent, by_name
from loadlab.recording.names import NAME_SHIFT
from loadlab.recording.presence import LONG_NS, bits_at, bits_between
from loadlab.recording.reasons import CLOSED_WHILE_KEPT, lacked, number_of, text_of
from loadlab.recording.sample import (
    ANSWERED,
    CENSORED,
    ENDED_BADLY,
    FAILED,
    OUTCOME,
    OWN_LAG_SHIFT,
    STAMP_GRAIN_NS,
    WAITED,
    Outcome,
)
from loadlab.recording.seconds import Slice
from loadlab.recording.window import Bools, Window

_IS_ANSWERED = np.array([outcome in ANSWERED for outcome in Outcome])
_IS_FAILED = np.array([outcome in FAILED for outcome in Outcome])
_ENDED_BADLY = np.array([outcome in ENDED_BADLY for outcome in Outcome])
_IS_CENSORED = np.array([outcome in CENSORED for outcome in Outcome])


class Recorder(msgspec.Struct, array_like=True):
    """Sums over a span of time, of one shard or of several."""

    window: Window
    sent: int = 0
    """Requests that went out, warm-up and drain included, counted when they were sent."""
    finished: int = 0
    """Sent requests that have an outcome, warm-up and drain included, counted from the tape."""
    answered: int = 0
    """Those of them with a complete response."""
    counts: list[int] = msgspec.field(default_factory=lambda: [0] * len(Outcome))
    """Requests due in the window, by outcome."""
    statuses: dict[int, int] = {}
    """Complete responses to requests due in the window, by HTTP status."""
    errors: dict[int, dict[str, int]] = {}
    """Requests due in the window without a complete response, by outcome and reason; empty: none is known."""
    completions: int = 0
    body_bytes: int = 0
    last_done_ns: int = 0
    last_answered_ns: int = 0
    """When the last answer came, warm-up and drain included."""
    last_failing_ns: int = 0
    """When the last request was sent that failed, for no shortage here, warm-up and drain included."""
    last_lacking_ns: int = 0
    """The same of requests that failed for a shortage here."""
    in_flight_integral_ns: int = 0
    in_flight_squares_us: int = 0
    """The integral of the square of what each worker has in flight: it says how much that varies."""
    flight_samples: int = 0
    """How often it was looked in the window at what is in flight."""
    flight_jumps: int = 0
    """Sum of the squared differences between one look and the next: how far a look may be from the mean."""
    in_flight_by_stamps_ns: int = 0
    """Time between sent and done of all requests, as far as it lies in the window."""
    waited: int = 0
    """Requests due in the window that were sent late because no place in flight was free."""
    refused: int = 0
    """Requests due in the window that were dropped because no place in flight was free."""
    latency: Histogram = msgspec.field(default_factory=Histogram)
    service: Histogram = msgspec.field(default_factory=Histogram)
    lag: Histogram = msgspec.field(default_factory=Histogram)
    own_lag: Histogram = msgspec.field(default_factory=Histogram)
    """The client's own part of the lag; of what found no place in flight, until it found none."""
    late: Histogram = msgspec.field(default_factory=Histogram)
    """How long requests without an answer were waited for from due: their latency is at least that."""
    late_service: Histogram = msgspec.field(default_factory=Histogram)
    """The same from sent, for their service time."""
    outside_target: Histogram = msgspec.field(default_factory=Histogram)
    """Service time without the time inside, of the answers that bear the target's stamp: there and back."""
    stamps_over_service: int = 0
    """Those of them whose time inside is longer than their service time: one of the two is wrong."""
    slices: dict[int, Slice] = {}
    by_name: "dict[str, Recorder]" = {}
    """The same of the requests of each name, where they have several; its sums are those of the stage."""
    journeys: dict[str, JourneyCounts] = {}
    """Journeys that began in the window, by name."""

    def fold_named(self, rows: Int64s, names: list[str]) -> None:
        """Fold rows whose status has the number of a name above it, and take that off."""
        numbers = rows[:, 4] >> NAME_SHIFT
        rows[:, 4] &= (1 << NAME_SHIFT) - 1
        self.fold(rows)
        for number in _values(numbers) if len(rows) else ():
            chosen = numbers == number
            self._named(names[number]).fold(rows if chosen.all() else rows[chosen])

    def take_journeys(self, ended: list[JourneyEvent]) -> None:
        """Count journeys that ended."""
        for name, events in by_name(ended, self.window).items():
            self.journeys.setdefault(name, JourneyCounts()).take(events)

    def _named(self, name: str) -> "Recorder":
        if name not in self.by_name:
            self.by_name[name] = Recorder(self.window)
        return self.by_name[name]

    def fold(self, rows: Int64s) -> None:
        """Fold rows of a tape, shape (n, 7)."""
        if not len(rows):
            return
        second = None if rows[:, 3].any() else self.window.second_of_all(rows)
        if second is not None:
            self._fold_usual(rows, second)
            return
        counts = _counts(rows)
        self.finished += len(rows) - counts[Outcome.DROPPED]
        self.answered += sum(counts[outcome] for outcome in ANSWERED)
        self.last_done_ns = max(self.last_done_ns, int(rows[:, 2].max()))
        self._fold_presence(rows)
        self.in_flight_by_stamps_ns += self.window.inside_ns(rows)
        if len(due := self.window.among(rows, by=0)):
            self._fold_due(due)
        if len(done := self.window.among(rows, by=2)):
            self._fold_done(done)

    def _fold_usual(self, rows: Int64s, second: int) -> None:
        """Fold rows that all ended well, in one second of the window: most do, and these need less."""
        due, sent, done, _, status, body_bytes, inside = rows.T
        self.finished += len(rows)
        self.answered += len(rows)
        self.completions += len(rows)
        self.counts[Outcome.OK] += len(rows)
        self._fold_statuses(status)
        self.body_bytes += int(body_bytes.sum())
        self.last_done_ns = max(self.last_done_ns, int(done.max()))
        self.last_answered_ns = max(self.last_answered_ns, int(done.max()))
        self.in_flight_by_stamps_ns += self.window.inside_ns(rows)
        service_ns = done - sent
        latency, lag = BucketCounts.of(done - due), BucketCounts.of(sent - due)
        self.latency.add(latency)
        self.service.record(service_ns)
        self.lag.add(lag)
        self.own_lag.add(lag)
        if int(service_ns.max()) >= LONG_NS:
            self._fold_waiting(rows[service_ns >= LONG_NS])
        part = self._slice(second)
        part.latency = part.latency.plus(latency.sparse())
        part.ok += len(rows)
        ticks = bits_at(done - (self.window.start_ns + second * NS_PER_S))
        part.answered |= ticks
        part.ended_well |= ticks
        if inside.any():
            self._fold_outside((service_ns - inside)[inside > 0])

    def _fold_presence(self, rows: Int64s) -> None:
        """Note when answers came, and while which ticks of the window requests were under way that failed."""
        outcome = rows[:, 3] & OUTCOME
        if len(answered_ns := rows[:, 2][_IS_ANSWERED[outcome]]):
            self.last_answered_ns = max(self.last_answered_ns, int(answered_ns.max()))
            self._fold_waiting(rows[_IS_ANSWERED[outcome] & (rows[:, 2] - rows[:, 1] >= LONG_NS)])
        failed = rows[_IS_FAILED[outcome]]
        own = _are_own(failed)
        if len(lacking := failed[own]):
            self.last_lacking_ns = max(self.last_lacking_ns, int(lacking[:, 1].max()))
        if len(failed := failed[~own]):
            self.last_failing_ns = max(self.last_failing_ns, int(failed[:, 1].max()))
            from_ns, to_ns = self.window.parts_inside(failed)
            for second, bits in bits_between(from_ns, from_ns):
                self._slice(second).failing_sent |= bits
            for second, bits in bits_between(from_ns, to_ns):
                self._slice(second).failing |= bits

    def _fold_waiting(self, rows: Int64s) -> None:
        for second, bits in bits_between(*self.window.parts_inside(rows)):
            self._slice(second).waiting |= bits

    def _fold_due(self, rows: Int64s) -> None:
        due, sent, done, flagged, status, _, inside = rows.T
        outcome = flagged & OUTCOME
        self._add_counts(_counts(rows))
        latency, service, lag = done - due, done - sent, sent - due
        answered = _IS_ANSWERED[outcome]
        self._fold_statuses(_only(status, answered))
        if not answered.all():
            self._fold_reasons(outcome[~answered], status[~answered])
        self.latency.record(_only(latency, answered))
        self.service.record(_only(service, answered))
        if inside.any():
            self._fold_outside((service - inside)[answered & (inside > 0)])
        censored = _IS_CENSORED[outcome]
        if censored.any():
            self.late.record(latency[censored])
            self.late_service.record(service[censored])
        self._fold_lag(lag, outcome != Outcome.DROPPED, flagged)

    def _fold_reasons(self, outcome: Int64s, number: Int64s) -> None:
        for kind in _values(outcome):
            of_kind = number[outcome == kind]
            for value in _values(of_kind):
                self._add_error(kind, text_of(value), int((of_kind == value).sum()))

    def _add_error(self, outcome: int, reason: str, count: int) -> None:
        reasons = self.errors.setdefault(outcome, {})
        reasons[reason] = reasons.get(reason, 0) + count

    def _fold_statuses(self, status: Int64s) -> None:
        if not len(status):
            return
        for value in _values(status):
            if value:
                self.statuses[value] = self.statuses.get(value, 0) + int((status == value).sum())

    def _fold_lag(self, lag: Int64s, went: Bools, flagged: Int64s) -> None:
        found_none = flagged >= WAITED
        if went.all() and not found_none.any():
            values = BucketCounts.of(lag)
            self.lag.add(values)
            self.own_lag.add(values)
            return
        self.lag.record(lag[went])
        own_lag = np.where(found_none, flagged >> OWN_LAG_SHIFT, lag)
        self.own_lag.record(own_lag[went | found_none])
        self.waited += int((went & found_none).sum())
        self.refused += int((~went & found_none).sum())

    def _fold_outside(self, time_outside_target_ns: Int64s) -> None:
        self.outside_target.record(time_outside_target_ns)
        self.stamps_over_service += int((time_outside_target_ns < -STAMP_GRAIN_NS).sum())

    def _fold_done(self, rows: Int64s) -> None:
        due, _, done, flagged, status, body_bytes, _ = rows.T
        outcome = flagged & OUTCOME
        answered = _IS_ANSWERED[outcome]
        self.completions += int(answered.sum())
        self.body_bytes += int(_only(body_bytes, answered).sum())
        latency = done - due
        censored, failed = _IS_CENSORED[outcome], outcome != Outcome.OK
        unheard = (outcome == Outcome.PROTOCOL_ERROR) & (status == number_of(CLOSED_WHILE_KEPT))
        for second, here in self.window.seconds_of(done):
            part, offset_ns = self._slice(second), done - (self.window.start_ns + second * NS_PER_S)
            part.latency = part.latency.plus(Sparse.of(_only(latency, here & answered)))
            part.ok += int((here & ~failed).sum())
            part.answered |= bits_at(offset_ns[here & answered])
            part.ended_well |= bits_at(offset_ns[here & ~failed])
            if failed.any():
                part.ended_badly |= bits_at(offset_ns[here & _ENDED_BADLY[outcome]])
                part.closed_unheard |= bits_at(offset_ns[here & unheard])
                part.dropped += int((here & (outcome == Outcome.DROPPED)).sum())
                part.late = part.late.plus(Sparse.of(latency[here & censored]))
                part.errors += int((here & failed).sum())

    def observe_in_flight(self, from_ns: int, to_ns: int, in_flight: int, before: int | None = None) -> None:
        """Add a span during which so many requests were in flight; `before` is what was seen before it."""
        if self.window.overlap_ns(from_ns, to_ns):
            self.flight_samples += 1
            self.flight_jumps += 0 if before is None else (in_flight - before) ** 2
        from_ns = max(from_ns, self.window.start_ns)
        while (overlap_ns := self.window.overlap_ns(from_ns, to_ns)) > 0:
            second = (from_ns - self.window.start_ns) // NS_PER_S
            second_ends_ns = self.window.start_ns + (second + 1) * NS_PER_S
            part_ns = min(overlap_ns, second_ends_ns - from_ns)
            self.in_flight_integral_ns += in_flight * part_ns
            self.in_flight_squares_us += in_flight**2 * part_ns // NS_PER_US
            self._slice(second).in_flight_integral_ns += in_flight * part_ns
            from_ns += part_ns

    def _slice(self, second: int) -> Slice:
        if second not in self.slices:
            self.slices[second] = Slice()
        return self.slices[second]

    def settle(self, until_ns: int) -> None:
        """Reduce the seconds that ended before a moment to their figures: nothing more comes of them."""
        for second, part in self.slices.items():
            if part.settled is None and self.window.start_ns + (second + 1) * NS_PER_S <= until_ns:
                part.settle()
        for named in self.by_name.values():
            named.settle(until_ns)

    def prepare_to_send(self) -> Iterator[None]:
        """Find what is sent of each distribution, in steps after which another thread may have the processor.

        Sending takes less long then.
        """
        for each in msgspec.structs.astuple(self):
            if isinstance(each, Histogram) and each.count:
                each.sparse()
                yield
        for named in self.by_name.values():
            yield from named.prepare_to_send()

    def count(self, outcome: Outcome) -> int:
        """Return how many requests due in the window had this outcome."""
        return self.counts[outcome]

    def merge(self, other: Self) -> None:
        """Add what another recorder of the same window counted; refuse any other with ValueError."""
        if other.window != self.window:
            raise ValueError("recorders of different windows do not merge")
        self.sent += other.sent
        self.finished += other.finished
        self.answered += other.answered
        self._add_counts(other.counts)
        for status, count in other.statuses.items():
            self.statuses[status] = self.statuses.get(status, 0) + count
        for outcome, reasons in other.errors.items():
            for reason, count in reasons.items():
                self._add_error(outcome, reason, count)
        self.completions += other.completions
        self.body_bytes += other.body_bytes
        self.last_done_ns = max(self.last_done_ns, other.last_done_ns)
        self.last_answered_ns = max(self.last_answered_ns, other.last_answered_ns)
        self.last_failing_ns = max(self.last_failing_ns, other.last_failing_ns)
        self.last_lacking_ns = max(self.last_lacking_ns, other.last_lacking_ns)
        self.in_flight_integral_ns += other.in_flight_integral_ns
        self.in_flight_squares_us += other.in_flight_squares_us
        self.flight_samples += other.flight_samples
        self.flight_jumps += other.flight_jumps
        self.in_flight_by_stamps_ns += other.in_flight_by_stamps_ns
        self.waited += other.waited
        self.refused += other.refused
        self.latency.merge(other.latency)
        self.service.merge(other.service)
        self.lag.merge(other.lag)
        self.own_lag.merge(other.own_lag)
        self.late.merge(other.late)
        self.late_service.merge(other.late_service)
        self.outside_target.merge(other.outside_target)
        self.stamps_over_service += other.stamps_over_service
        for second, part in other.slices.items():
            self._slice(second).merge(part)
        for name, named in other.by_name.items():
            self._named(name).merge(named)
        for name, journeys in other.journeys.items():
            self.journeys.setdefault(name, JourneyCounts()).merge(journeys)

    def shifted(self, by_ns: int) -> Self:
        """Return it with its moments on a clock that is ahead by so much; a moment of 0 is none."""
        start_ns, end_ns = self.window.start_ns, self.window.end_ns
        moments = {
            name: moment_ns + by_ns
            for name in ("last_done_ns", "last_answered_ns", "last_failing_ns")
            if (moment_ns := getattr(self, name))
        }
        window = Window(start_ns + by_ns, None if end_ns is None else end_ns + by_ns)
        named = {name: each.shifted(by_ns) for name, each in self.by_name.items()}
        return msgspec.structs.replace(self, window=window, by_name=named, **moments)

    def _add_counts(self, counts: list[int]) -> None:
        self.counts = [mine + theirs for mine, theirs in zip(self.counts, counts, strict=True)]


def _counts(rows: Int64s) -> list[int]:
    """Return how many rows have each outcome."""
    counts: list[int] = np.bincount(rows[:, 3] & OUTCOME, minlength=len(Outcome)).tolist()
    return counts


def _are_own(failed: Int64s) -> Bools:
    """Tell of failed rows whether this machine had not enough for them: they say nothing of the target."""
    own = np.zeros(len(failed), dtype=np.bool_)
    for number in _values(failed[:, 4]) if len(failed) else ():
        if lacked(text_of(number)):
            own |= failed[:, 4] == number
    return own


def _values(column: Int64s) -> list[int]:
    """Return the values of a column, each once: whole numbers that are not far apart."""
    lowest, highest = int(column.min()), int(column.max())
    if lowest == highest:
        return [lowest]
    values: list[int] = (np.flatnonzero(np.bincount(column - lowest)) + lowest).tolist()
    return values


def _only(values: Int64s, chosen: Bools) -> Int64s:
    """Return the chosen values; all of them, as is usual, without a copy."""
    return values if chosen.all() else values[chosen]
