"""The page is served from the package, and reads what a workload is from the one table."""

import json
import re

import pytest

from loadlab.agent.page_files import PageFiles
from loadlab.transports import NAMES
from loadlab.workload.traits import Workload


def exported(script):
    """Return the constants of a script by name."""
    return {name: json.loads(value) for name, value in re.findall(r"export const (\w+) = (.*);", script)}


def test_the_page_has_the_traits_of_every_workload_and_transport():
    tables = exported(PageFiles().get("traits.js").data.decode())
    assert list(tables["TRANSPORTS"]) == list(NAMES)
    assert list(tables["WORKLOADS"]) == list(Workload)
    for workload in Workload:
        traits = workload.traits
        told = tables["WORKLOADS"][workload]
        assert told["many"] == traits.many
        assert told["takes"] == list(traits.takes)
        assert told["at_once"] is traits.at_once


def test_the_table_is_a_script_whose_tag_stays():
    first, again = PageFiles().get("traits.js"), PageFiles().get("traits.js")
    assert first.type.startswith("text/javascript")
    assert first.tag == again.tag


@pytest.mark.parametrize("name", ["app.js", "index.html", "style.css"])
def test_a_file_of_the_page_is_served_as_it_stands(name):
    assert PageFiles().get(name).data


@pytest.mark.parametrize("name", ["none.js", "../api.py", "page_files.py", ".js", "traits.py"])
def test_nothing_else_is(name):
    assert PageFiles().get(name) is None
