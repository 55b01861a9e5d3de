"""The tables of the docs that were measured, and what prints each."""

import re
from typing import NamedTuple

from loadlab.scenarios import names
from support.readme import ROOT


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
BENCH_TABLE = "| what | limit | median | rounds | |"


def section(page, title):
    """Return a section's text, up to the next heading."""
    text = (ROOT / page).read_text()
    return re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL)[1]


def rows_of(text, header):
    """Return the cells of the one table with this header, row by row."""
    (below,) = re.findall(rf"^{re.escape(header)}\n\|[-| ]+\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in below.splitlines()]
