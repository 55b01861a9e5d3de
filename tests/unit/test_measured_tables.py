"""The tables of the docs that were measured: they are there whole, below the command that prints them."""

import re
from typing import NamedTuple

import pytest
from rows import ROWS

from loadlab.scenarios import names
from readme import ROOT


class Table(NamedTuple):
    """A table that a script prints: `rows` is what its first column says."""

    page: str
    section: str
    command: str
    script: str
    header: str
    rows: tuple[str, ...]


GROUND_TRUTH = ("docs/method.md", "Ground truth", "make ground-truth", "bench/ground_truth.py")
MEASURED = {
    "latency beside Erlang C": Table(
        *GROUND_TRUTH, "| rho | runs | S | rate | mean | p50 | p90 | p99 |", ("0.3", "0.5", "0.7", "0.85")
    ),
    "throughput beside its bound": Table(
        *GROUND_TRUTH, "| users | achieved / bound | at least | |", ("8", "16", "32")
    ),
    "coordinated omission": Table(
        "docs/method.md",
        "Coordinated omission",
        ".venv/bin/python bench/omission.py",
        "bench/omission.py",
        "| reading | p50 | p90 | p95 | p99 | max |",
        (
            "closed, 2 users with think time, 100/s",
            "open, from the moment of sending",
            "open, from the due moment",
            "the formula",
        ),
    ),
    "each way of calling": Table(
        "docs/scenarios.md",
        "The scenarios, and what each teaches",
        ".venv/bin/python bench/scenarios.py",
        "bench/scenarios.py",
        "| scenario | Cost time of 40 requests | predicted | replies/s of 12 users | p50 | bound |",
        tuple(f"`{name}`" for name in names()),
    ),
}
README_TABLE = "| what | limit | median | rounds | |"
EACH_TABLE = pytest.mark.parametrize("table", MEASURED.values(), ids=MEASURED)


def section(page, title):
    """Return a section's text, up to the next heading."""
    text = (ROOT / page).read_text()
    return re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL)[1]


@EACH_TABLE
def test_a_measured_table_stands_whole_in_its_section(table):
    text = section(table.page, table.section)
    (below,) = re.findall(rf"^{re.escape(table.header)}\n\|[-| ]+\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in below.splitlines()]
    assert sorted(cells[0] for cells in rows) == sorted(table.rows)
    assert {len(cells) for cells in rows} == {table.header.count("|") - 1}
    assert all(all(cells) for cells in rows), "a cell is empty"


@EACH_TABLE
def test_the_command_that_makes_it_stands_above_it_and_is_one(table):
    assert f"`{table.command}`" in section(table.page, table.section).partition(table.header)[0]
    makefile = (ROOT / "Makefile").read_text()
    chore = re.fullmatch(r"make ([a-z-]+)", table.command)
    assert table.script in (table.command if chore is None else makefile.partition(f"\n{chore[1]}:")[2])
    assert table.header in (ROOT / table.script).read_text(), "its header is what the script prints"


def test_the_readme_has_each_row_of_the_bench_below_its_command():
    text = section("README.md", "Speed")
    command, _, below = text.partition(README_TABLE)
    assert "`make bench`" in command
    told = [line.strip("|").split(" | ")[0].strip() for line in below.splitlines() if line.startswith("| ")]
    assert [row.what for row in ROWS] == told[1 : 1 + len(ROWS)]
