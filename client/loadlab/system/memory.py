"""How this process keeps memory: what it takes for a moment must not stay with it for hours.

glibc gives blocks from 128 KiB on back to the system when they are freed, but raises that limit to the
largest of them that it has seen freed (mallopt(3), M_MMAP_THRESHOLD). After the first distribution or the
first long tape all later ones come from the heap, where what is freed below anything in use is kept, and
what is kept grows. A fixed limit keeps that from happening; and of a distribution that has a block of its
own only the pages are there that something was counted in. What is freed in small blocks goes back page by
page, if it is asked for now and then (malloc_trim(3)).
"""

import ctypes
import sys
from collections.abc import Callable

from loadlab.clock import NS_PER_S

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_GIVEN_BACK_BYTES = 128 << 10
"""Less than a distribution has, and more than a column of a piece of a tape: a fold takes many of those."""
_KEPT_BYTES = 1 << 20
"""Free memory at the heap's end that is kept for the next of those."""
TIDY_NS = 10 * NS_PER_S
"""How often free pages are given back: it takes less than a millisecond."""


def give_back_large_blocks() -> None:
    """Have what is freed in large blocks go back to the system from now on; other C libraries do anyway."""
    if mallopt := _glibc("mallopt"):
        mallopt(_M_MMAP_THRESHOLD, _GIVEN_BACK_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)


def give_back_free_pages() -> None:
    """Give back to the system what is free in whole pages, wherever it lies."""
    if malloc_trim := _glibc("malloc_trim"):
        malloc_trim(ctypes.c_size_t(_KEPT_BYTES))


def _glibc(name: str) -> Callable[..., int] | None:
    """Return one of glibc's own functions, None where there is another C library."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
