"""Whether the tests notice changes of the judging code: how a change is named and reported."""

import importlib.util
import inspect
from functools import reduce
from importlib import import_module

import pytest

from support.readme import ROOT

SPEC = importlib.util.spec_from_file_location("mutants", ROOT / "scripts" / "mutants.py")
mutants = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(mutants)

SOURCE = """
def x_lag__mutmut_orig(case):
    late = case.sent - case.due
    return late > 1


def x_lag__mutmut_1(case):
    late = case.sent + case.due
    return late > 1


class Stall:
    def xǁStallǁload__mutmut_orig(self):
        return 1

    def xǁStallǁload__mutmut_2(self):
        return 2
"""
LAG = mutants.Change("client_limits.lag", "late = case.sent - case.due", "late = case.sent + case.due")
LOAD = mutants.Change("omission.Stall.load", "return 1", "return 2")


def functions():
    return mutants._functions(SOURCE)


def test_a_change_is_named_by_its_function_and_its_lines():
    assert mutants.change("loadlab.analysis.checks.client_limits", "x_lag__mutmut_1", functions()) == LAG


def test_a_change_of_a_method_is_named_by_its_class_too():
    assert mutants.change("loadlab.analysis.omission", "xǁStallǁload__mutmut_2", functions()) == LOAD


def test_the_report_tells_accepted_changes_from_new_ones():
    text = "\n".join(
        mutants.report([(LAG, False), (LOAD, False), (LAG, True)], {LAG: "the same"}, whole=True)
    )
    assert 'why = "the same"' in text
    assert text.count("NEW") == 1
    assert text.splitlines()[-1].split() == ["all", "3", "1", "33.3%", "1", "1"]


def test_the_report_says_what_the_list_has_too_much():
    text = "\n".join(mutants.report([(LAG, True)], {LAG: "the same"}, whole=True))
    assert "listed and no longer unnoticed" in text


@pytest.mark.parametrize("listed", mutants.accepted(), ids=lambda each: each.function)
def test_each_accepted_change_is_of_code_that_is_there_and_says_why(listed):
    module, *path = listed.function.split(".")
    (file,) = (ROOT / "client" / "loadlab" / "analysis").rglob(f"{module}.py")
    name = ".".join(file.relative_to(ROOT / "client").with_suffix("").parts)
    found = reduce(getattr, path, import_module(name))
    source = " ".join(line.strip() for line in inspect.getsource(found).splitlines())
    assert listed.was in source
    assert mutants.accepted()[listed]
