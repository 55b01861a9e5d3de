"""The docs as a site: every page is in its list, by kind, and says first what it is for."""

import re

import pytest
from docs import listed, navigation, prepare

from support.readme import ROOT

HOME = (ROOT / "docs" / "README.md").read_text()
PAGES = sorted(path.name for path in (ROOT / "docs").glob("*.md") if path.name != "README.md")
DECISIONS = sorted(path for path in (ROOT / "docs" / "decisions").glob("*.md") if path.name != "README.md")


def test_there_are_the_four_kinds_that_readers_know():
    assert [kind for kind, _ in listed(HOME)] == ["Tutorials", "How-to guides", "Reference", "Explanation"]


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_listed_under_one_kind(name):
    assert sum(links.count(name) for _, links in listed(HOME)) == 1


@pytest.mark.parametrize("name", PAGES)
def test_every_page_begins_with_a_paragraph(name):
    title, _, first = (ROOT / "docs" / name).read_text().splitlines()[:3]
    assert title.startswith("# ")
    assert re.match(r"[A-Z`]", first), "what the page is for"


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_every_decision_has_its_date_and_stands_in_the_list(path):
    title, date = re.match(r"# (.+)\n\nDecided on (\d{4}-\d\d-\d\d)\.\n", path.read_text()).groups()
    rows = (ROOT / "docs" / "decisions" / "README.md").read_text()
    assert f"| {date} | [{title}]({path.name}) |" in rows


def test_the_list_becomes_the_sites_navigation():
    home = "# Docs\n\n## One\n\nText.\n\n- [A page](a.md)\n- [B](../b.md)\n\n## Two\n\n- [C](c.md)\n"
    assert listed(home) == [("One", ["a.md", "../b.md"]), ("Two", ["c.md"])]
    assert "```{toctree}\n:caption: One\n:hidden:\n\na.md\n../b.md\n```" in navigation(home)


def test_the_pages_are_copied_with_their_folders(tmp_path):
    prepare(tmp_path)
    assert (tmp_path / "docs" / "pictures" / "page.png").exists()
    assert (tmp_path / "bench" / "README.md").exists()
    assert "{toctree}" in (tmp_path / "docs" / "README.md").read_text()
