"""Five blocking calls, one after another.

    python 01_blocking.py [URL]

The URL is that of 00_server.py unless you give another.
"""

import sys
from time import perf_counter

import requests

URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:5000/"
START = perf_counter()


def say(event: str) -> None:
    """Print what happens, and how many seconds after the start."""
    print(f"{perf_counter() - START:7.3f} s  {event}")


def get(number: int) -> None:
    say(f"{number} sent")
    requests.get(URL, timeout=60)
    say(f"{number} done")


def main() -> None:
    for number in range(1, 6):
        get(number)


if __name__ == "__main__":
    main()
    print(f"Cost time: {perf_counter() - START:.3f} s")
