"""The same finding of several stages, told once."""

from loadlab.analysis.together import Told
from loadlab.analysis.together import together as joined
from loadlab.results.result import Kind


def together(told):
    return [each.sentence for each in joined(told, Kind.NOTE)]


def test_a_finding_of_one_stage_names_it():
    assert together([Told("lag", "8", "it was late")]) == ["stage 8: it was late"]


def test_the_same_finding_of_several_stages_is_told_once_with_the_figures_of_the_last():
    told = [Told("lag", "1", "1 ms late"), Told("places", "1", "full"), Told("lag", "8", "9 ms late", "?")]
    assert together(told) == ["stages 1, 8? (numbers of stage 8): 9 ms late", "stage 1: full"]


def test_where_all_stages_say_the_same_no_stage_is_singled_out():
    assert together(Told("loop", label, "by design") for label in "123") == ["stages 1, 2, 3: by design"]


def test_two_findings_of_one_name_in_a_stage_stay_apart():
    told = [Told("lost", stage, f"shard {shard}") for stage in "12" for shard in (0, 1)]
    assert together(told) == ["stages 1, 2: shard 0", "stages 1, 2: shard 1"]
