"""What the machine itself does to a schedule: Poisson moments at which nothing is to be done.

They are slept for as an open load sleeps for its own, and each is noticed somewhat late.
Prints p99 of that in milliseconds.
"""

import ctypes
import sys
import time

import numpy as np

PROGRAM: list[object] = [sys.executable, __file__]
_AWAKE_NS = 50_000
"""A wait that is shorter is spent awake, as the lab does it."""
_PR_SET_TIMERSLACK = 29


def main(rate_hz: float, seconds: float) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
    gaps_ns = np.random.default_rng(1).exponential(1e9 / rate_hz, round(rate_hz * seconds))
    late_ns = []
    for due_ns in (time.monotonic_ns() + gaps_ns.cumsum()).astype(np.int64).tolist():
        left_ns = due_ns - time.monotonic_ns()
        if left_ns > _AWAKE_NS:
            time.sleep(left_ns / 1e9)
        while (now_ns := time.monotonic_ns()) < due_ns:
            pass
        late_ns.append(now_ns - due_ns)
    print(np.quantile(late_ns, 0.99) / 1e6)


if __name__ == "__main__":
    main(float(sys.argv[1]), float(sys.argv[2]))
