"""The first change that CONTRIBUTING takes a reader through, carried out as it stands there."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from support.labs import CARRIED
from support.live import PATIENCE_S
from support.readme import ROOT

pytestmark = pytest.mark.real

TEXT = (ROOT / "CONTRIBUTING.md").read_text()
WALK = re.search(r"^## A first change.*?(?=^## )", TEXT, re.MULTILINE | re.DOTALL)[0]


@pytest.fixture
def changed(tmp_path):
    """A copy of the client with the new file in it."""
    shutil.copytree(ROOT / "client" / "loadlab", tmp_path / "client" / "loadlab")
    (name,) = re.findall(r"^1\. Write `([^`]+)`", WALK, re.MULTILINE)
    (code,) = re.findall(r"```python\n(.*?)```", WALK, re.DOTALL)
    (tmp_path / name).write_text(textwrap.dedent("   " + code.lstrip()))
    return tmp_path


def test_the_new_scenario_is_found_and_answers_its_batch(changed):
    (line,) = re.findall(r"\$ \.venv/bin/loadlab (run .+)", WALK)
    done = subprocess.run(
        [sys.executable, "-m", "loadlab", *shlex.split(line), "--json"],
        cwd=changed,
        env=os.environ | {"PYTHONPATH": str(changed / "client")},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode in CARRIED, done.stderr
    result = json.loads(done.stdout)
    assert result["plan"]["scenario"] == "task-group"
    assert [stage["counts"]["ok"] for stage in result["stages"]] == [20]


def test_it_is_linted_and_formatted_as_all_code_is(changed):
    file = changed / "client" / "loadlab" / "scenarios" / "task_group.py"
    ruff = Path(sys.executable).with_name("ruff")
    for words in (["check"], ["format", "--check"]):
        subprocess.run([ruff, *words, "--config", ROOT / "pyproject.toml", file], check=True)


@pytest.mark.parametrize("path", re.findall(r"tests/[\w/]+\.py", WALK))
def test_the_tests_that_it_names_are_there(path):
    assert (ROOT / path).exists()


def test_the_example_of_style_is_what_the_code_says():
    file, code = re.search(r"from `([^`]+)`:\n\n```python\n(.*?)```", TEXT, re.DOTALL).groups()
    assert code in (ROOT / file).read_text()
