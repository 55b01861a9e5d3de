"""Durations, sizes and ratios as people write them in a URL or on a command line."""

import re

_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
_BYTES = {"B": 1, "kB": 10**3, "MB": 10**6, "KiB": 2**10, "MiB": 2**20}
_QUANTITY = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?)([A-Za-z]*)")
_WHOLE = re.compile(r"[0-9]{1,18}")
MOST_WHOLE = 10**18 - 1


class QuantityError(ValueError):
    """A text is not the quantity that was asked for; the message is one sentence without its subject."""


def parse_duration_s(text: str, *, ceiling_s: float) -> float:
    """Read `50ms`, `1.5s`, `200us` or `0`, in seconds; raise QuantityError for what is none or too much."""
    number, unit = _split(text, accepted="a duration such as 200us, 50ms or 1.5s")
    if unit not in _SECONDS and number != 0:
        raise QuantityError(f"is {text!r}, which has no unit of a duration; give us, ms or s, such as 50ms")
    duration_s = number * _SECONDS.get(unit, 1.0)
    if duration_s > ceiling_s:
        raise QuantityError(f"is {text!r}, which is over the ceiling of {ceiling_s:g}s")
    return duration_s


def parse_size_bytes(text: str, *, ceiling_bytes: int) -> int:
    """Read `1024`, `64KiB` or `1.5MB`, in bytes; raise QuantityError for what is none or too much."""
    number, unit = _split(text, accepted="a size such as 512, 64KiB or 1MB")
    if unit and unit not in _BYTES:
        raise QuantityError(
            f"is {text!r}, which has no unit of a size; give {', '.join(_BYTES)}, such as 64KiB"
        )
    size_bytes = round(number * _BYTES.get(unit, 1))
    if size_bytes > ceiling_bytes:
        raise QuantityError(f"is {text!r}, which is over the ceiling of {ceiling_bytes} bytes")
    return size_bytes


def parse_ratio(text: str) -> float:
    """Read a number from 0 to 1; raise QuantityError for anything else."""
    number, unit = _split(text, accepted="a ratio from 0 to 1, such as 0.1")
    if unit or number > 1:
        raise QuantityError(f"is {text!r}; give a ratio from 0 to 1, such as 0.1")
    return number


def parse_whole(text: str, *, least: int = 0, most: int = MOST_WHOLE) -> int:
    """Read ASCII digits as a whole number from `least` to `most`; raise QuantityError for anything else."""
    if not _WHOLE.fullmatch(text) or not least <= int(text) <= most:
        raise QuantityError(f"is {text!r}; give a whole number from {least} to {most}")
    return int(text)


def _split(text: str, *, accepted: str) -> tuple[float, str]:
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise QuantityError(f"is {text!r}; give {accepted}")
    return float(match[1]), match[2]
