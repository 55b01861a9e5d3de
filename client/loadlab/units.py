"""Reading and writing quantities: durations, sizes, counts. Pure."""

import re

from loadlab.errors import UsageError

_NS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+)\s*([a-zµ]*)", re.IGNORECASE)
LONGEST_NS = 1000 * _NS["h"]
_RATE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)(?:/s)?")
_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,9})?)\s*%")
_WHOLE = re.compile(r"[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]{1,4})?|inf|nan)", re.IGNORECASE)
_MOST_DIGITS = 40


def whole_number(text: str) -> int | None:
    """Read a whole number of ASCII digits, none where it is something else.

    Python's own `int` and `float` also take blanks, underscores and the digits of every script.
    """
    return int(text) if _WHOLE.fullmatch(text) else None


def number(text: str) -> float | None:
    """Read a number as Prometheus writes one, also an infinity and NaN; None for anything else."""
    return float(text) if len(text) <= _MOST_DIGITS and _NUMBER.fullmatch(text) else None


def duration_ns(text: str, option: str) -> int:
    """Read `10s`, `250ms`, `1.5m` or a bare number of seconds; raise UsageError naming the option."""
    match = _DURATION.fullmatch(text.strip())
    unit = match[2].lower() or "s" if match else ""
    if match is None or unit not in _NS:
        raise UsageError(
            f"{option}: {text!r} is not a duration; write a number with ns, us, ms, s, m or h,"
            " such as 10s or 250ms (without a unit it is seconds)"
        )
    value_ns = float(match[1]) * _NS[unit]
    if value_ns > LONGEST_NS:
        raise UsageError(f"{option}: {text!r} is more than 1000h, the longest that can be asked for")
    return round(value_ns)


def count(text: str, option: str, *, least: int = 1) -> int:
    """Read a whole number of at least `least`; raise UsageError naming the option."""
    text = text.strip()
    found = whole_number(text)
    if found is None or found < least:
        raise UsageError(f"{option}: {text!r} is not a whole number of {least} or more")
    return found


def counts(text: str, option: str) -> tuple[int, ...]:
    """Read `1,8,64`: whole numbers of 1 or more; raise UsageError naming the option."""
    return tuple(count(part, option) for part in text.split(","))


def rate_hz(text: str, option: str) -> float:
    """Read a rate per second; raise UsageError naming the option."""
    match = _RATE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{option}: {text!r} is not a rate per second, such as 500 or 0.5")
    return float(match[1])


def ratio(text: str, option: str, *, instead: str) -> float:
    """Read `1%` as 0.01; raise UsageError naming the option, and what may stand there instead."""
    match = _PERCENT.fullmatch(text.strip())
    if match is None or float(match[1]) > 100:
        raise UsageError(
            f"{option}: {text!r} is not a percentage from 0% to 100%; write one such as 1%, or {instead}"
        )
    return float(match[1]) / 100


def show_ns(value_ns: float | None) -> str:
    """Write a span of time with three figures and its unit; an absent one as a dash."""
    if value_ns is None:
        return "–"
    size = abs(value_ns)
    for unit, scale in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if size >= scale * 0.9995:
            return f"{_figures(value_ns / scale)} {unit}"
    return f"{value_ns:.0f} ns"


def show_hz(value_hz: float | None) -> str:
    """Write a rate as `123/s`; an absent one as a dash."""
    return "–" if value_hz is None else f"{_figures(value_hz)}/s"


def show_count(count: int, what: str) -> str:
    """Write how many there are, thousands apart: `1 request`, `1,061 requests`."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def format_number(value: float | None) -> str:
    """Write a number with three figures; an absent one as a dash."""
    return "–" if value is None else _figures(value)


def _figures(value: float) -> str:
    """Three figures, as far as thousandths go, never an exponent, thousands apart."""
    size = abs(value)
    digits = 3 if 0 < size < 0.0995 else 2 if size < 9.995 else 1 if size < 99.95 else 0
    return f"{value:,.{digits}f}"
