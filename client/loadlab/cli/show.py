"""`loadlab show`: a result's table again."""

import os
from pathlib import Path

import click

from loadlab.cli.family import Command, guess
from loadlab.cli.options import ALL_NAMES, results_in
from loadlab.errors import UsageError
from loadlab.results.archive import Archive
from loadlab.runs import kept_result
from loadlab.system.terminal_text import one_line
from loadlab.terminal.console import Terminal, print_result

_LATEST = "latest"
_TOLD = 5
"""Runs that a refusal names."""


@click.command(cls=Command, examples=("loadlab show latest", "loadlab show 20261124-1114"))
@click.argument("result")
@results_in("Folder to look the run up in.")
@ALL_NAMES
def show(result: str, out: Path, by_name: bool) -> None:  # noqa: FBT001 - as click gives it
    """Print a result again.

    RESULT is a result.json, the folder it is in, a run's id or the beginning of one, or `latest`.
    """
    found = kept_result.read(meant(result, out))
    terminal = Terminal()
    for line in (f"{found.run_id}: {found.environment.where}", found.command):
        if line is not None:
            terminal.print(one_line(line), style="dim", soft_wrap=True, highlight=False, markup=False)
    print_result(found, all_names=by_name)


def meant(text: str, out: Path) -> Path:
    """Return the path of a result; raise UsageError with the candidates where the text names no single run.

    What is there as a path is that path, and so is what is written as one.
    """
    path = Path(text)
    # Where a path can't be looked up, a Path raises.
    if text and (os.path.exists(path) or os.sep in text or path.suffix == ".json"):  # noqa: PTH110
        return path
    if text and os.path.isdir(out / text):  # noqa: PTH112
        return out / text
    runs = [run.run_id for run in Archive(out).runs()]
    if not runs:
        nothing = "" if text == _LATEST else f"{text!r} is no path, and "
        raise UsageError(f"RESULT: {nothing}there is no run in {out}")
    if text == _LATEST:
        return out / runs[0]
    near = [run_id for run_id in runs if text and run_id.startswith(text)]
    if not near:
        raise UsageError(
            f"RESULT: {text!r} is neither a path nor a run in {out}, nor the beginning of one."
            f"{guess(text, [_LATEST, *runs])} The newest there: {_named(runs)}"
        )
    if len(near) > 1:
        raise UsageError(
            f"RESULT: {len(near)} runs in {out} begin with {text!r}: {_named(near)}; give more of one"
        )
    return out / near[0]


def _named(runs: list[str]) -> str:
    more = f" … and {len(runs) - _TOLD} more" if len(runs) > _TOLD else ""
    return ", ".join(runs[:_TOLD]) + more
