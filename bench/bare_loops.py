"""What the machine itself gives two processes: loops that do nothing but count, one on each core named.

Prints how many turns a second they make together.
"""

import multiprocessing
import os
import sys
import time

PROGRAM: list[object] = [sys.executable, __file__]
_TURNS = 10_000


def main(seconds: float, cores: list[int]) -> None:
    context = multiprocessing.get_context("spawn")
    end_s = time.monotonic() + 0.5 + seconds
    with context.Pool(len(cores)) as pool:
        print(sum(pool.starmap(turns_hz, [(core, end_s - seconds, end_s) for core in cores], chunksize=1)))


def turns_hz(core: int, begin_s: float, end_s: float) -> float:
    """Count on a core from one moment to another."""
    os.sched_setaffinity(0, {core})
    while time.monotonic() < begin_s:
        time.sleep(0.001)
    counted = 0
    while time.monotonic() < end_s:
        for _ in range(_TURNS):
            counted += 1
    return counted / (end_s - begin_s)


if __name__ == "__main__":
    main(float(sys.argv[1]), [int(core) for core in sys.argv[2:]])
