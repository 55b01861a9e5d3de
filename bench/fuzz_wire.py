"""Mutated responses for the `wire` transport: each ends in one reply, or waits for more, and leaves nothing.

Responses of every framing are mutated at random, cut at random, and fed to connections in memory, which
share what they learn as those of a run do. Ends with 1 where a stream crashed, had no reply or more than
one, was read otherwise when cut otherwise, took more than a second, or where memory grew.
"""

import argparse
import itertools
import random
import resource
import sys
import time
from collections import Counter
from pathlib import Path

from mutations import mutated

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from unit.transports.wire.memory import Wire

SLOW_S = 1.0
MOST_GROWTH_KIB = 4096
TOLD_EACH = 50_000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    outcomes: Counter[str] = Counter()
    slowest_s = 0.0
    begun_s = time.monotonic()
    settled_kib = 0
    wires = [Wire(), Wire(bodiless=True), Wire(learns=False)]
    for number in range(given.count):
        if number == given.count // 5:  # by then everything that is kept once has been kept
            settled_kib = most_memory_kib()
        rng = random.Random(f"{given.seed}-{number}")
        data = mutated(rng)
        wire = rng.choice(wires)
        ends = rng.random() < 0.5
        at_s = time.process_time()
        try:
            cut = wire.exchange(pieces(rng, data), ends=ends)
            whole = wire.exchange([data], ends=ends)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is found
            sys.exit(f"stream {number}: {error!r}: {data!r}")
        if cut.reply != whole.reply:
            sys.exit(f"stream {number} is read otherwise when cut: {cut} {whole} {data!r}")
        took_s = time.process_time() - at_s  # of its own: what else the machine does is not the question
        slowest_s = max(slowest_s, took_s)
        if took_s > SLOW_S:
            sys.exit(f"stream {number} took {took_s:.1f} s: {data!r}")
        if number % TOLD_EACH == TOLD_EACH - 1:
            print(f"  {number + 1:,} streams in {time.monotonic() - begun_s:.0f} s", flush=True)
        outcomes[whole.reply.outcome.key if whole.reply else "still waiting"] += 1
    growth_kib = most_memory_kib() - settled_kib
    took_s = time.monotonic() - begun_s
    print(f"{given.count:,} streams in {took_s:.0f} s, slowest {slowest_s * 1e3:.1f} ms: {dict(outcomes)}")
    print(f"memory: {growth_kib} KiB more at the end than after a fifth")
    if growth_kib > MOST_GROWTH_KIB:
        sys.exit("memory grew")


def pieces(rng: random.Random, data: bytes) -> list[bytes]:
    """Cut a stream as a socket might hand it over."""
    if rng.random() < 0.05:
        return [data[at : at + 1] for at in range(len(data))]
    edges = sorted({0, len(data), *(rng.randrange(len(data) + 1) for _ in range(rng.randrange(5)))})
    return [data[start:end] for start, end in itertools.pairwise(edges)]


def most_memory_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
