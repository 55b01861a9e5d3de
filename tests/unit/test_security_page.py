"""docs/security.md: each of its sentences names a test that exists."""

import re

import pytest

from promtool import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text()
ROWS = re.findall(r"^\| (?!what holds|---)(.+?) \| (.+) \|$", PAGE, re.MULTILINE)
TEST = re.compile(r"`([a-z_/]+\.py)` `(test_\w+)`")


def test_there_is_a_table_of_them():
    assert len(ROWS) > 20


@pytest.mark.parametrize(("sentence", "tests"), ROWS, ids=[sentence[:40] for sentence, _ in ROWS])
def test_each_sentence_has_its_test(sentence, tests):
    assert sentence.endswith(".")
    named = TEST.findall(tests)
    assert named
    for file, name in named:
        assert f"def {name}(" in (ROOT / "tests" / file).read_text(), (file, name)
