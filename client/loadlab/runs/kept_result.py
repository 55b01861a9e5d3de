"""Reading a result that is kept, of this version or an earlier one, with what the lab says about it."""

from pathlib import Path

from loadlab.analysis.text import sentences, with_text
from loadlab.results import run_folder
from loadlab.results.result import Kind, RunResult


def read(path: Path) -> RunResult:
    """Read a result file, or the one in a result folder; raise UsageError where there is none.

    Where it holds no text, as one of an earlier version, or none that says what the run came to, it is made.
    """
    result = run_folder.read(path)
    is_whole = all(len(sentences(result.text, kind)) == 1 for kind in (Kind.VERDICT, Kind.SUMMARY))
    return result if is_whole else with_text(result)
