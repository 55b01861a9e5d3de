"""What a workload is stands in one table; no code compares names of workloads, transports and scenarios."""

import ast
import re

import pytest
from imports import CLIENT

from loadlab.analysis.judge_stage import judged
from loadlab.options.load import LoadOptions
from loadlab.scenarios import names, scenario
from loadlab.transports import NAMES
from loadlab.workload.plan import Stage
from loadlab.workload.traits import Workload, as_option, not_taken, sized_by
from support.fakes import plan
from support.stages import stage

STAGES = {
    Workload.CLOSED: Stage(concurrency=8),
    Workload.OPEN: Stage(rate_hz=8.0),
    Workload.BATCH: Stage(requests=8),
}


@pytest.mark.parametrize("workload", list(Workload))
def test_a_workload_takes_its_size_and_options_that_there_are(workload):
    traits = workload.traits
    assert traits.size in traits.takes
    assert set(traits.takes) <= set(LoadOptions.__struct_fields__)
    assert sized_by(traits.size) is workload
    assert [traits.has_users, traits.has_schedule, traits.at_once].count(True) == 1


@pytest.mark.parametrize("workload", list(Workload))
def test_a_stage_has_the_checks_that_its_workload_names_and_none_that_only_others_do(workload):
    whole = plan(workload=workload, stages=(STAGES[workload],))
    _, checks = judged(whole, scenario("task").TRAITS, 1.0, stage())
    of_some = {name for each in Workload for name in each.traits.checks}
    assert {check.name for check in checks} & of_some == set(workload.traits.checks)


def test_what_a_workload_does_not_take_is_said_with_those_that_do():
    assert not_taken(Workload.CLOSED, ("concurrency", "think", "seed")) is None
    assert not_taken(Workload.BATCH, ("warmup", "duration")) == (
        "--duration, --warmup: a batch workload does not take them; --workload closed or open does"
    )
    assert not_taken(Workload.OPEN, ("rate", "requests")) == (
        "--requests: an open workload does not take it; its size is --rate; --workload closed or batch does"
    )
    assert not_taken(Workload.BATCH, ("think", "arrivals")) == (
        "--think, --arrivals: a batch workload does not take them"
    )


def test_an_option_is_written_as_on_the_command_line():
    assert as_option("max_in_flight") == "--max-in-flight"


def test_every_transport_that_a_scenario_drives_is_in_the_registry():
    drives = {each.name for name in names() for each in scenario(name).TRAITS.transports}
    assert drives == set(NAMES)


# Nobody compares names

COMPARES = {
    "calibration/plans.py": "ceilings are of a closed workload; a scenario without one has no row",
}
"""Each comparison that is left, with its reason."""
KNOWN = {*NAMES, *names(), *Workload}
OWN = {"workload", "transport", "scenario"}


def named(node):
    """Return the last name of an expression such as `case.plan.workload`."""
    return getattr(node, "attr", getattr(node, "id", None))


def compares(source):
    """Tell whether the source compares a workload, a transport or a scenario with a name of one."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
        elif isinstance(node, ast.Match):
            patterns = [case.pattern for case in node.cases]
            sides = [node.subject, *(each.value for each in patterns if isinstance(each, ast.MatchValue))]
        else:
            continue
        if any(named(getattr(side, "value", None)) == "Workload" for side in sides):
            return True
        if any(str(named(side)).strip("_").lower() in OWN for side in sides) and any(
            isinstance(side, ast.Constant) and side.value in KNOWN for side in sides
        ):
            return True
    return False


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("plan.workload is Workload.OPEN", True),
        ("Workload.CLOSED in traits.workloads", True),
        ('case.plan.transport == "requests"', True),
        ('if transport != "null": pass', True),
        ('plan.scenario == "pool-map"', True),
        ("match plan.workload:\n    case Workload.OPEN:\n        pass", True),
        ("workload = Workload.CLOSED", False),
        ("plan.workload.traits.at_once", False),
        ('name == "task"', False),
    ],
)
def test_a_comparison_is_found(source, found):
    assert compares(source) is found


COMPARED_IN_SCRIPT = re.compile(r"""\b(workload|transport|scenario|name)\b *[!=]==? *["']([a-z-]+)["']""")


def compared(script):
    """Return the names of workloads, transports and scenarios that a script compares with."""
    return [name for _, name in COMPARED_IN_SCRIPT.findall(script) if name in KNOWN]


@pytest.mark.parametrize("line", ['if (run.plan.workload === "batch")', "rest.transport !== 'null' ? 1 : 2"])
def test_a_comparison_of_the_page_is_found(line):
    assert compared(line)


def test_nor_does_the_page():
    scripts = {path.name: path.read_text() for path in (CLIENT / "agent" / "page").glob("*.js")}
    assert {name: found for name, script in scripts.items() if (found := compared(script))} == {}


def test_nobody_compares_names_but_for_a_reason():
    found = {
        str(path.relative_to(CLIENT)) for path in sorted(CLIENT.rglob("*.py")) if compares(path.read_text())
    }
    assert found == set(COMPARES)
