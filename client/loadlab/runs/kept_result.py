"""Reading a result that is kept, of this version or an earlier one, with what the lab says about it."""

from pathlib import Path

from loadlab.analysis.text import with_text
from loadlab.results import run_folder
from loadlab.results.result import RunResult


def read(path: Path) -> RunResult:
    """Read a result file, or the one in a result folder; raise UsageError where there is none.

    Results of an earlier version hold no text, so it is made here.
    """
    result = run_folder.read(path)
    return result if result.text else with_text(result)
