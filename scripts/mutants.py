"""Change the judging code (client/loadlab/analysis) in small ways, and see whether a test fails each time.

    mutants.py [PATTERN …]      PATTERN, such as "*.client_limits.*", names what to change

mutmut makes the changes and runs the unit tests that call the changed function. It changes what functions do,
not the constants of a module; changes of text literals are left out. tests/mutants.toml lists what no test
notices, each with why. Exit code 1 where fewer than LEAST of all changes were noticed.
"""

import ast
import difflib
import json
import os
import re
import shutil
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
SCRATCH = ROOT / ".mutants"
ACCEPTED = ROOT / "tests" / "mutants.toml"
LEAST = 0.85
NOTICED = {1, 3, 24, -24, 36, 152, 255}
"""Exit codes of pytest, or of a run that took far too long, that tell that a test noticed."""
SETTINGS = """
[tool.mutmut]
source_paths = ["loadlab"]
only_mutate = ["loadlab/analysis/*"]
also_copy = ["bench", "docs", "README.md"]
pytest_add_cli_args = ["-p", "no:cacheprovider", "-p", "no:xdist"]
pytest_add_cli_args_test_selection = {tests}
timeout_constant = 2.0
use_git_change_detection = false
"""


class Change(NamedTuple):
    """One change of a function: the lines that it replaces, and by what."""

    function: str
    was: str
    now: str


def prepare() -> None:
    """Copy what the tests need; mutmut changes the copy."""
    shutil.rmtree(SCRATCH, ignore_errors=True)
    skipped = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "client" / "loadlab", SCRATCH / "loadlab", ignore=skipped)
    shutil.copy(ROOT / "README.md", SCRATCH)
    for name in ("tests", "bench", "docs"):
        shutil.copytree(ROOT / name, SCRATCH / name, ignore=skipped)
    settings = (ROOT / "pyproject.toml").read_text() + SETTINGS.format(tests=json.dumps(tests()))
    (SCRATCH / "pyproject.toml").write_text(settings)


def tests() -> list[str]:
    """Return the unit tests of the judging code, but for those that hold all of the docs against it."""
    texts = {path: path.read_text() for path in (ROOT / "tests" / "unit").rglob("test_*.py")}
    about = re.compile(
        r"^from (loadlab\.analysis|loadlab import .*analysis|support\.stages import)", re.MULTILINE
    )
    docs = re.compile(r"^from support\.readme import", re.MULTILINE)
    found = [path for path, text in texts.items() if about.search(text) and not docs.search(text)]
    return [str(path.relative_to(ROOT)) for path in sorted(found)]


def run(patterns: list[str]) -> None:
    """Have mutmut make and test the changes."""
    os.chdir(SCRATCH)  # where mutmut looks for its settings, also when it is imported
    import libcst  # noqa: PLC0415 - installed for this chore alone, and not needed to look at the list
    from mutmut.__main__ import cli  # noqa: PLC0415
    from mutmut.mutation import mutators  # noqa: PLC0415

    # No option leaves text alone, except in the code that is to be changed.
    mutators.mutation_operators.remove((libcst.BaseString, mutators.operator_string))
    cli(["run", "--max-children", str(os.cpu_count() or 1), *patterns], standalone_mode=False)


def outcomes() -> Iterator[tuple[Change, bool]]:
    """Give each change that was tested, and whether a test noticed it."""
    for meta in sorted((SCRATCH / "mutants" / "loadlab" / "analysis").rglob("*.meta")):
        codes = json.loads(meta.read_text())["exit_code_by_key"]
        functions = _functions(meta.with_suffix("").read_text())
        for key, code in codes.items():
            if code is not None:
                module, _, name = key.rpartition(".")
                yield change(module, name, functions), code in NOTICED


def _functions(source: str) -> dict[str, str]:
    lines = source.splitlines()
    found = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef))
    return {node.name: "\n".join(lines[node.lineno - 1 : node.end_lineno]) for node in found}


def change(module: str, name: str, functions: dict[str, str]) -> Change:
    """Return the change that mutmut calls so, of these functions with their source."""
    mangled, _, _ = name.rpartition("__mutmut_")
    path = mangled.removeprefix("x_").removeprefix("xǁ").split("ǁ")
    before, after = (functions[each].splitlines()[1:] for each in (f"{mangled}__mutmut_orig", name))
    lines = [line for line in difflib.ndiff(before, after) if line[0] in "-+"]
    was, now = (" ".join(line[2:].strip() for line in lines if line[0] == sign) for sign in "-+")
    return Change(f"{module.rpartition('.')[2]}.{'.'.join(path)}", was, now)


def accepted() -> dict[Change, str]:
    """Return why no test notices each of these changes."""
    listed = tomllib.loads(ACCEPTED.read_text()).get("unnoticed", [])
    return {Change(each["function"], each["was"], each["now"]): each["why"] for each in listed}


def report(tested: list[tuple[Change, bool]], known: dict[Change, str], *, whole: bool) -> list[str]:
    """Put into words what was noticed, what was not, and what the list of accepted changes has too much."""
    lines = []
    unnoticed = [each for each, noticed in tested if not noticed]
    for each in unnoticed:
        why = known.get(each, "NEW: test it, or list it with why")
        lines += ["[[unnoticed]]", *(f"{name} = {json.dumps(text)}" for name, text in each._asdict().items())]
        lines += [f"why = {json.dumps(why)}", ""]
    if whole:
        lines += [f"listed and no longer unnoticed: {each}" for each in known if each not in set(unnoticed)]
    lines += ["", f"{'module':12}{'changes':>9}{'noticed':>9}{'':>8}{'accepted':>10}{'new':>6}"]
    modules = sorted({each.function.partition(".")[0] for each, _ in tested})
    for module in [*modules, ""]:
        mine = [(each, noticed) for each, noticed in tested if each.function.startswith(module)]
        left = [each for each, noticed in mine if not noticed]
        noticed = len(mine) - len(left)
        listed = sum(each in known for each in left)
        lines.append(
            f"{module or 'all':12}{len(mine):9}{noticed:9}{noticed / len(mine):8.1%}{listed:10}"
            f"{len(left) - listed:6}"
        )
    return lines


def main() -> int:
    """Run it all and print the result."""
    patterns = sys.argv[1:]
    prepare()
    run(patterns)
    tested = list(outcomes())
    print("", *report(tested, accepted(), whole=not patterns), sep="\n")
    return 0 if sum(noticed for _, noticed in tested) >= LEAST * len(tested) else 1


if __name__ == "__main__":
    sys.exit(main())
