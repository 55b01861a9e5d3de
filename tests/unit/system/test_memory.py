"""What is freed in large blocks goes back to the system."""

import platform
import subprocess
import sys

import pytest

from loadlab.recording.histogram import LENGTH

SCRIPT = """
from loadlab.system.memory import give_back_large_blocks

def resident():
    with open("/proc/self/statm") as told:
        return int(told.read().split()[1]) * 4096

if {given_back}:
    give_back_large_blocks()
before = resident()
pins = []
for _ in range(3):
    blocks = []
    for _ in range(40):
        blocks.append(bytearray({size}))
        pins.append(bytearray(5000))  # what is in use above a block keeps the heap from shrinking
    del blocks
print((resident() - before) >> 20)
"""


def kept_mib(size, *, given_back):
    script = SCRIPT.format(given_back=given_back, size=size)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library needs no telling")
@pytest.mark.parametrize("size", [LENGTH * 8, 2 << 20], ids=["a distribution", "a long tape"])
def test_nothing_of_large_blocks_stays_after_they_are_freed(size):
    assert kept_mib(size, given_back=True) < 4
    assert kept_mib(size, given_back=False) >= 4


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library needs no telling")
def test_free_pages_between_what_is_in_use_go_back_when_it_is_asked_for():
    script = """
from loadlab.system.memory import give_back_free_pages

def resident():
    with open("/proc/self/statm") as told:
        return int(told.read().split()[1]) * 4096

blocks = [bytearray(60_000) for _ in range(1_000)]
pins = blocks[::10]
del blocks
before = resident()
give_back_free_pages()
print((before - resident()) >> 20, len(pins))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(done.stdout.split()[0]) > 40
