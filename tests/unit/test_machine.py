"""What the machine took from the client, read from files as the kernel writes them."""

import os

import pytest

from loadlab import machine
from loadlab.machine import Account, Held, account, held

V1 = "nr_periods 10\nnr_throttled 2\nthrottled_time {ns}\n"
V2 = "usage_usec 5\nnr_periods 10\nnr_throttled 2\nthrottled_usec {us}\n"


@pytest.fixture
def system(tmp_path, monkeypatch):
    """A machine whose process may use cores 0 and 2."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2}, raising=False)
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "proc" / "stat").write_text(
        "cpu  9 9 9 9 9 9 9 9 9 9\n"
        "cpu0 100 0 50 800 10 0 10 30 0 0\n"
        "cpu1 1 1 1 1 1 1 1 999 0 0\n"
        "cpu2 100 0 50 800 10 0 10 30 77 77\n"
        "intr 1 2 3\n"
    )
    (tmp_path / "groups").mkdir()
    return tmp_path


def read(system, membership, **files):
    (system / "proc" / "self" / "cgroup").write_text(membership)
    for name, text in files.items():
        file = system / "groups" / name.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        (file.parent / "cpu.stat").write_text(text)
    return account(system / "proc", system / "groups")


def test_stolen_time_is_of_the_cores_that_the_client_may_use_and_guests_are_not_counted_twice(system):
    found = read(system, "")
    assert (found.stolen, found.ticks) == (60, 2000)
    assert found.throttled_ns is None


@pytest.mark.parametrize(
    ("membership", "files", "throttled_ns"),
    [
        ("0::/\n", {"cpu.stat": V2.format(us=7)}, 7_000),
        ("0::/a/b\n", {"a__b__x": V2.format(us=7), "a__x": V2.format(us=9)}, 9_000),
        ("0::/not/mounted/here\n", {"cpu.stat": V2.format(us=7)}, 7_000),
        ("4:cpu,cpuacct:/a\n0::/\n", {"cpu,cpuacct__a__x": V1.format(ns=8)}, 8),
        ("4:cpu:/\n", {"cpu__x": V1.format(ns=8)}, 8),
        ("3:memory:/\n", {"memory__x": V1.format(ns=8)}, None),
        ("0::/\n", {"x": "usage_usec 5\n"}, None),
        ("0::/\n", {}, None),
    ],
)
def test_throttling_is_the_most_of_any_group_on_the_way_to_the_root(system, membership, files, throttled_ns):
    assert read(system, membership, **files).throttled_ns == throttled_ns


def test_what_was_taken_is_a_share_of_the_span():
    first = Account(at_ns=0, throttled_ns=100, stolen=10, ticks=1000)
    last = Account(at_ns=1000, throttled_ns=150, stolen=30, ticks=1200)
    assert held(first, last) == Held(throttled_ratio=0.05, stolen_ratio=0.1)


@pytest.mark.parametrize(
    ("first", "last"),
    [(None, None), (Account(at_ns=0), None), (Account(at_ns=5), Account(at_ns=5))],
)
def test_without_both_ends_nothing_is_told(first, last):
    assert held(first, last) == Held()


def test_what_only_one_end_tells_is_none():
    assert held(Account(at_ns=0), Account(at_ns=9, throttled_ns=1, stolen=1, ticks=1)) == Held()


def test_this_machine_can_be_read():
    assert machine.account().at_ns > 0
