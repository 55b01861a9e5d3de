"""What is wrong with a posted plan is named by its fields."""

import re
from pathlib import Path

import pytest

from loadlab.agent.plan_fields import FIELDS, in_fields
from loadlab.options.load import RunOptions
from loadlab.workload import capacity, fields, plan, ranges, think, traits
from loadlab.workload.plan import Journeys, Plan, Request, Stage
from loadlab.workload.traits import Workload, as_option

IN_SOURCE = re.compile(r"(?<![a-z-])--[a-z]+(?:-[a-z]+)*")
NOT_OF_A_PLAN = {"--label"}


def test_each_option_has_a_field_that_there_is():
    assert set(FIELDS) <= set(map(as_option, RunOptions.__struct_fields__))
    kept = {*Plan.__struct_fields__, *Stage.__struct_fields__, *Request.__struct_fields__}
    kept |= set(Journeys.__struct_fields__)
    assert {field.partition(":")[0] for field in FIELDS.values()} <= kept


@pytest.mark.parametrize(
    "module", [plan, traits, capacity, fields, ranges, think], ids=lambda each: each.__name__
)
def test_each_option_that_a_problem_of_a_plan_may_name_has_a_field(module):
    named = set(IN_SOURCE.findall(Path(module.__file__).read_text()))
    assert named - NOT_OF_A_PLAN <= FIELDS.keys()


def test_so_has_each_option_of_a_workload():
    assert {as_option(option) for each in Workload for option in each.traits.takes} <= FIELDS.keys()


def test_all_of_a_sentence_names_fields():
    said = "--ramp-up: users would still start in the window; use --warmup 5.00s or longer\n--seed: 3--4"
    assert in_fields(said) == (
        "ramp_up_ns: users would still start in the window; use warmup_ns 5.00s or longer\nseed: 3--4"
    )
