"""What the list of earlier runs calls each of them."""

import pytest

from loadlab.agent.api import _listed
from loadlab.results.archive import Archive
from loadlab.results.result import State, Verdict, encode
from support.results import result, stage


@pytest.mark.parametrize(
    ("changed", "headline"),
    [
        ({}, "PASS"),
        ({"stages": (stage(), stage(state=State.SUSPECT))}, "PASS with warnings"),
        ({"interrupted": True}, "STOPPED"),
        ({"verdict": Verdict.INVALID, "interrupted": True}, "INVALID"),
    ],
)
def test_a_run_has_its_verdicts_one_name(tmp_path, changed, headline):
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "result.json").write_bytes(encode(result(run_id="r", **changed)))
    (run,) = Archive(tmp_path).runs()
    assert _listed(run)["headline"] == headline
