"""Threads that end before they begin, for want of memory: who started them would wait for ever.

`Thread.start` waits until the new thread has said that it runs, and one that has no memory left for its first
steps never says so (CPython issue 140746). All that CPython does is to print the error.
"""

import sys
from collections.abc import Callable

TYPE_CHECKING = False
if TYPE_CHECKING:  # a command's first module loads this, so it is little
    from sys import UnraisableHookArgs

_BORN_BY = "thread started by"


def on_stillborn_thread(act: Callable[[BaseException], object]) -> None:
    """From now on call `act` with the error, in the thread that has just ended so."""

    def hook(unraisable: "UnraisableHookArgs") -> None:
        said = unraisable.err_msg or ""
        if _BORN_BY in said and unraisable.exc_value is not None:
            act(unraisable.exc_value)
        else:
            sys.__unraisablehook__(unraisable)

    sys.unraisablehook = hook
