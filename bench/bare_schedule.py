"""What the machine itself does to the schedule of an open load, when nothing is to be done at its moments.

They are slept for as an open load sleeps for them, and each is noticed somewhat late.
Prints p99 of that in milliseconds.
"""

import ctypes
import itertools
import sys
import time

import numpy as np

from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.workload.arrivals import Arrivals, Constant, Spacing

PROGRAM: list[object] = [sys.executable, __file__]
_AWAKE_NS = 50_000
"""A wait that is shorter is spent awake, as the lab does it."""
_PR_SET_TIMERSLACK = 29


def main(rate_hz: float, seconds: float) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
    schedule = Arrivals(Constant(rate_hz), Spacing.POISSON).due_ns(0, 1, seed=1)
    due_after_ns = list(itertools.takewhile(lambda after_ns: after_ns < seconds * NS_PER_S, schedule))
    begin_ns = time.monotonic_ns()
    late_ns = []
    for after_ns in due_after_ns:
        due_ns = begin_ns + after_ns
        left_ns = due_ns - time.monotonic_ns()
        if left_ns > _AWAKE_NS:
            time.sleep(left_ns / NS_PER_S)
        while (now_ns := time.monotonic_ns()) < due_ns:
            pass
        late_ns.append(now_ns - due_ns)
    print(np.quantile(late_ns, 0.99) / NS_PER_MS)


if __name__ == "__main__":
    main(float(sys.argv[1]), float(sys.argv[2]))
