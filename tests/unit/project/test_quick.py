"""What `make test` chooses has each real part in it: every scenario and transport, promtool, a browser."""

import os
import subprocess
import sys

import pytest

from loadlab import transports
from loadlab.scenarios import names
from support.readme import ROOT


@pytest.fixture(scope="module")
def chosen():
    """The tests of real parts that are marked `quick`, as pytest names them."""
    places = [
        "tests/contract/test_scenarios.py",
        "tests/contract/transports",
        "tests/end_to_end/test_prometheus.py",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "quick", *places, "tests/browser"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize("name", names())
def test_every_scenario_is_in_it(chosen, name):
    assert any("/test_scenarios.py::" in each and f"[{name}]" in each for each in chosen)


@pytest.mark.parametrize("name", sorted(filter(transports.contacts_target, transports.NAMES)))
def test_every_transport_that_speaks_is_in_it(chosen, name):
    assert any("/transports/" in each and f"[{name}-" in each for each in chosen)


@pytest.mark.parametrize("part", ["tests/end_to_end/test_prometheus.py", "tests/browser/test_page.py"])
def test_promtool_and_a_browser_are_in_it(chosen, part):
    assert any(each.startswith(f"{part}::") for each in chosen)


def test_tests_that_share_something_are_run_by_one_process(request, chosen):
    """Where several processes share the tests out, those of a group go to one of them."""
    if os.environ.get("PYTEST_XDIST_WORKER") is None:
        assert request.node.get_closest_marker("xdist_group").args == (str(request.path),)
    else:
        assert request.node.nodeid.endswith(f"@{request.path}"), "what the processes are given by"
