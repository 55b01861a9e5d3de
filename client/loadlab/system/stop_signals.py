"""SIGINT, SIGTERM and SIGHUP, from the first import of the process to its last line.

1. A process that has nothing to lose (`handle`) ends at once: a sentence, exit code 130.
2. A command that has something to keep takes over (`Stops`) and hears each signal in its event loop.
3. Whatever it waits for, the process ends `PATIENCE_S` after the second signal, and at once on the third.
4. Once the outcome is certain (`end_with`), a signal ends the process with that outcome.

All that a process of the lab starts ends by itself when that process does, so ending it leaves nothing.
"""

import os
import select
import signal
from collections.abc import Callable

TYPE_CHECKING = False
if TYPE_CHECKING:  # a Ctrl-C can't be heard before all of this is imported, so it is little
    from asyncio import AbstractEventLoop
    from typing import NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PATIENCE_S = 15.0
"""How long an orderly end may take that waits for no reply: workers give up, the target is ended."""
_INTERRUPTED = 130
_SHOW_CURSOR = "\x1b[?25h"

CleanUp = Callable[[str], str | None]
"""Gets a sentence on why the process ends; returns what there is to add to it. Raises nothing."""

_clean_ups: list[CleanUp] = []


def handle() -> None:
    """From now on end the process at once where a signal asks for it."""
    _on_each(leave)


def end_with(code: int) -> None:
    """From now on end the process at once with this code: all that it was to do is done."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    _on_each(lambda: os._exit(code))


class Cleanup:
    """While in it, this is called first where the process ends at once."""

    def __init__(self, call: CleanUp) -> None:
        self._call = call

    def __enter__(self) -> None:
        """Begin."""
        _clean_ups.append(self._call)

    def __exit__(self, *_: object) -> None:
        """End."""
        _clean_ups.remove(self._call)


def leave(sentence: str = "interrupted", code: int = _INTERRUPTED) -> "NoReturn":
    """End the process now, whatever its threads wait for, with a sentence and an exit code."""
    added = ""
    while _clean_ups:
        added = _clean_ups.pop()(sentence) or added
    _say(f"loadlab: {sentence}{added and '; '}{added}\n")
    os._exit(code)


class Stops:
    """The signals that a command hears, from the moment when this is made."""

    def __init__(self) -> None:
        self._asked = self._told = 0
        self._soon: Callable[[], object] = lambda: None
        _on_each(self._ask)

    @property
    def asked(self) -> bool:
        """Whether one has come."""
        return self._asked > 0

    def follow(self, loop: "AbstractEventLoop", stop: Callable[[], None]) -> None:
        """Call `stop` in this running loop once for each signal, also for those that have come before."""

        def catch_up() -> None:
            while self._told < self._asked:
                self._told += 1
                stop()

        def soon() -> None:
            if not loop.is_closed():  # else what it carried is over
                loop.call_soon_threadsafe(catch_up)

        self._soon = soon
        catch_up()

    def hold(self) -> None:
        """Hear nothing for now: what is written must be written whole."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        _on_each(lambda: None)

    def leave_in_time(self) -> None:
        """End the process after `PATIENCE_S`, unless it has ended by then."""
        signal.signal(signal.SIGALRM, lambda *_: leave(f"it did not end within {PATIENCE_S:.0f} s"))
        signal.setitimer(signal.ITIMER_REAL, PATIENCE_S)

    def _ask(self) -> None:
        self._asked += 1
        if self._asked == 2:
            self.leave_in_time()
        elif self._asked > 2:
            leave()
        self._soon()


def _on_each(call: Callable[[], None]) -> None:
    for number in SIGNALS:
        # A terminal that closes is nothing to a process that `nohup` has started.
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: call())


def _say(text: str) -> None:
    """Write to standard error, unless that would wait; a screen may have hidden the cursor."""
    try:
        if os.isatty(2):
            text = _SHOW_CURSOR + text
        if select.select([], [2], [], 0)[1]:
            os.write(2, text.encode())
    except OSError:
        return  # it is closed, or its reader has gone
