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
        assert is_defined(name, (ROOT / "tests" / file).read_text()), (file, name)


def is_defined(name, source):
    """Tell whether pytest finds a test of that name, which is none in a comment, a text or a function."""
    return re.search(rf"^(?:async )?def {name}\(", source, re.MULTILINE) is not None


def test_only_a_test_function_is_a_test():
    assert is_defined("test_a", "import re\n\ndef test_a():\n    pass\n")
    assert is_defined("test_a", "async def test_a(x):\n    pass\n")
    for source in (
        "# def test_a():",
        "    def test_a():\n",
        'TEXT = "def test_a()"',
        "def test_ab():",
        "test_a()",
    ):
        assert not is_defined("test_a", source), source
