"""docs/security.md: each of its sentences names a test that exists."""

import re

import pytest

from support.promtool import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text()
TABLES = re.findall(r"^\| what holds \| test \|\n\| --- \| --- \|\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
ROWS = [row for table in TABLES for row in re.findall(r"^\| (.+?) \| (.+) \|$", table, re.MULTILINE)]
TEST = re.compile(r"`([a-z_/]+\.py)` `(test_\w+)`")


def test_there_is_a_table_of_them_in_each_section():
    sections = re.findall(r"^## .+$", PAGE, re.MULTILINE)
    assert len(TABLES) == len(sections) > 4
    assert len(ROWS) > 20


@pytest.mark.parametrize(("sentence", "tests"), ROWS, ids=[sentence[:40] for sentence, _ in ROWS])
def test_each_sentence_has_its_test(sentence, tests):
    assert sentence.endswith(".")
    named = TEST.findall(tests)
    assert named
    for file, name in named:
        assert f"def {name}(" in (ROOT / "tests" / file).read_text(), (file, name)
