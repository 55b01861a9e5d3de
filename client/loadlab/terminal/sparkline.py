"""A few numbers as one line of bars. Pure."""

from collections.abc import Sequence

_BARS = " ▁▂▃▄▅▆▇█"
_ASCII = " .:-=+*#@"


def sparkline(values: Sequence[float], width: int, *, ascii_only: bool) -> str:
    """Return the last `width` values as bars from 0 to the highest of them; only 0 is no bar at all."""
    bars = _ASCII if ascii_only else _BARS
    shown = values[-width:] if width > 0 else ()
    highest = max(shown, default=0.0)
    most = len(bars) - 1
    return "".join(
        bars[min(most, max(1, round(value / highest * most)))] if value > 0 else " " for value in shown
    )
