"""A real `loadlab agent`, for the tests of a module or for one."""

import pytest

from support.agents import RunningAgent


@pytest.fixture(scope="module")
def agent(tmp_path_factory):
    """An agent that no test ends."""
    with RunningAgent(tmp_path_factory.mktemp("agent")) as running:
        yield running


@pytest.fixture
def mortal(tmp_path):
    """An agent of the test's own."""
    with RunningAgent(tmp_path) as running:
        yield running
