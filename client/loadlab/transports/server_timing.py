"""The target's own stamp on an answer: how long it had the request, from its `Server-Timing` header.

The target writes `queue;dur=0.123, app;dur=12.345`, in milliseconds. These two, one behind the other, are all
that is read: what an app or something on the way has to tell besides may stand before them, the last pair
counts. Anything that is not such a pair, or says more than an hour, is no stamp: 0, never an error.

A stamp covers the time until the answer's head was sent. So where a head does not tell its body's length,
which is how a body is streamed, the stamp says nothing of the whole and must not be read.
"""

import re
from typing import Final

from loadlab.clock import NS_PER_MS
from loadlab.recording.histogram import HIGHEST_NS

SERVER_TIMING: Final = "Server-Timing"

_MS = r"dur=([0-9]{1,9}(?:\.[0-9]{1,9})?)"
_PAIR = re.compile(rf"(?:^|,)[ \t]*queue;{_MS}[ \t]*,[ \t]*app;{_MS}[ \t]*(?=,|\Z)")


def inside_ns(values: list[str]) -> int:
    """Return queue and handler time by the values of an answer's Server-Timing lines, in their order."""
    pairs = _PAIR.findall(", ".join(values))
    if not pairs:
        return 0
    queue_ms, app_ms = pairs[-1]
    total_ns = round((float(queue_ms) + float(app_ms)) * NS_PER_MS)
    return total_ns if total_ns <= HIGHEST_NS else 0
