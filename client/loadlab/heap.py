"""How this process keeps memory: what a stall made it take for a moment must not stay with it for hours.

glibc gives blocks from 128 KiB on back to the system when they are freed, but raises that limit to the
largest of them that it has seen freed (mallopt(3), M_MMAP_THRESHOLD). After one long tape, all later ones
come from the heap, where what is freed below anything in use is kept. Fixed limits keep that from happening.
"""

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_GIVEN_BACK_BYTES = 1 << 20
"""More than the tape of a tenth of a second at full rate: those come often, and would cost page faults."""
_KEPT_BYTES = 4 << 20
"""Free memory at the heap's end that is kept for the next of those."""


def give_back_large_blocks() -> None:
    """Have what is freed in large blocks go back to the system from now on; other C libraries do anyway."""
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _GIVEN_BACK_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
