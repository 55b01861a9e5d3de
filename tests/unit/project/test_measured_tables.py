"""The tables of the docs that were measured: they are there whole, below the command that prints them."""

import re

import pytest
from rows import ROWS

from support.measured import BENCH_TABLE, MEASURED, rows_of, section
from support.readme import ROOT

EACH_TABLE = pytest.mark.parametrize("table", MEASURED.values(), ids=MEASURED)


@EACH_TABLE
def test_a_measured_table_stands_whole_in_its_section(table):
    rows = rows_of(section(table.page, table.section), table.header)
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


def test_the_page_of_the_bench_has_each_row_of_the_bench_below_its_command():
    text = section("bench/README.md", "Speed")
    assert "`make bench`" in text.partition(BENCH_TABLE)[0]
    assert [row.what for row in ROWS] == [what for what, *_ in rows_of(text, BENCH_TABLE)]
