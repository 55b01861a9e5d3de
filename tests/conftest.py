"""What all tests share: their part of a run, hypothesis without deadlines, the fake transport."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from loadlab import transports

settings.register_profile("lab", deadline=None, max_examples=60)
settings.load_profile("lab")

UNIT = Path(__file__).parent / "unit"
STACK = Path(__file__).parent / "stack"
SHARED = {"module", "session"}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """With `-n auto`: two tests for each core, because most of them wait most of the time."""
    return 2 * (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Unit tests are quick. What several share stays in one process; the stack, the longest, goes first."""
    items.sort(key=lambda item: STACK not in item.path.parents)
    for item in items:
        if UNIT in item.path.parents:
            item.add_marker(pytest.mark.quick)
        if STACK in item.path.parents:
            item.add_marker(pytest.mark.xdist_group(str(STACK)))
        elif shares(item):
            item.add_marker(pytest.mark.xdist_group(str(item.path)))


def shares(item: pytest.Item) -> bool:
    """Tell whether a test uses a fixture of ours that is made once for several tests."""
    made = (definition[-1] for definition in item._fixtureinfo.name2fixturedefs.values())
    return any(fixture.scope in SHARED and fixture.baseid for fixture in made)


@pytest.fixture(autouse=True)
def no_calibration(monkeypatch, tmp_path_factory):
    """Keep every test, and what it starts, from the ceilings of the user who runs it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture
def fake_transport(monkeypatch):
    """Make `fake` a transport's name, the way any transport gets one: a line in the registry."""
    monkeypatch.setitem(transports._WHERE, "fake", "support.fakes:newest")
