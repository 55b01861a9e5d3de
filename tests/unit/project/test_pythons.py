"""The Pythons that are claimed: pyproject.toml lists them, and everything else agrees with it."""

import re
import shutil
import subprocess
import sys
import tomllib

import pytest

from loadlab.cli import diagnosis
from loadlab.system import environment
from support.readme import README, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
TESTED = [
    match[1]
    for each in PROJECT["classifiers"]
    if (match := re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", each))
]
IMAGES = (ROOT / "scripts" / "images.sh").read_text()


def test_they_lie_within_what_may_be_installed():
    oldest, newest = (int(version.removeprefix("3.")) for version in (TESTED[0], TESTED[-1]))
    assert PROJECT["requires-python"] == f">=3.{oldest},<3.{newest + 1}"
    assert sorted(TESTED, key=lambda version: int(version.removeprefix("3."))) == TESTED


def test_the_readme_names_the_same():
    *others, newest = TESTED
    assert f"make and Python {', '.join(others)} or {newest}" in README


def test_the_scripts_read_the_same():
    script = ["sh", "-c", ". scripts/common.sh; tested_pythons", "scripts/any.sh"]
    said = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said == " ".join(TESTED)


def test_the_installed_lab_knows_the_same():
    assert list(environment.tested_pythons()) == TESTED


@pytest.mark.parametrize("version", TESTED)
def test_a_debian_suite_is_known_for_each(version):
    assert re.search(rf"^ +{re.escape(version)}\) echo [a-z]+ ;;$", IMAGES, re.MULTILINE)


def of_python(monkeypatch, *version):
    monkeypatch.setattr(sys, "version_info", (*version, 0, "final", 0))
    return next(found for found in diagnosis.examine(8, ROOT) if found.subject == "python")


def test_the_doctor_is_content_with_a_python_that_is_tested(monkeypatch):
    assert of_python(monkeypatch, 3, 13).mark is diagnosis.Mark.FINE


@pytest.mark.parametrize("version", [(3, 12), (3, 15)])
def test_the_doctor_says_which_are_tested_where_this_one_is_not(monkeypatch, version):
    found = of_python(monkeypatch, *version)
    assert found.mark is diagnosis.Mark.NOTE
    assert all(each in found.advice for each in TESTED)


class Pythons:
    """A folder in which venv.sh finds Pythons of these versions, and no others."""

    def __init__(self, folder):
        self.folder = folder
        shutil.copytree(ROOT / "scripts", folder / "scripts")
        shutil.copy(ROOT / "pyproject.toml", folder)
        (folder / "bin").mkdir()
        for program in ("dirname", "tail", "sed", "tr", "rm", "sh"):
            (folder / "bin" / program).symlink_to(shutil.which(program))

    def add(self, name, *version):
        """One that answers with its version, and notes that it was asked for a venv."""
        path = self.folder / "bin" / name
        path.write_text(
            f"#!/bin/sh\n"
            f'case $1 in -c) exec {sys.executable} -c "import sys; sys.version_info = {version}; $2" '
            f'"${{3:-}}" "${{4:-}}" ;; esac\n'
            f'echo "{name} $*"\nexit 1\n'
        )
        path.chmod(0o755)

    def venv(self, **environment):
        return subprocess.run(
            ["sh", "scripts/venv.sh", "runtime"],
            cwd=self.folder,
            env={"PATH": str(self.folder / "bin")} | environment,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def pythons(tmp_path):
    return Pythons(tmp_path)


def test_a_tested_python_is_taken_before_an_untested_one(pythons):
    pythons.add("python3", 3, 12, 1)
    pythons.add("python3.11", 3, 11, 2)
    made = pythons.venv()
    assert made.stdout == "python3.11 -m venv .venv\n"
    assert "not tested" not in made.stderr


def test_an_untested_python_in_between_is_used_and_said_to_be_untested(pythons):
    pythons.add("python3", 3, 12, 1)
    made = pythons.venv()
    assert made.stdout == "python3 -m venv .venv\n"
    assert f"not tested with Python 3.12, only with {' '.join(TESTED)}" in made.stderr


def test_the_python_that_was_named_is_taken(pythons):
    pythons.add("python3", 3, 11, 2)
    pythons.add("python3.14", 3, 14, 0)
    assert pythons.venv(PYTHON="python3.14").stdout == "python3.14 -m venv .venv\n"


@pytest.mark.parametrize("version", [(3, 10, 4), (3, 15, 0), (2, 7, 18)])
def test_a_python_that_is_older_or_newer_is_refused_in_one_sentence(pythons, version):
    pythons.add("python3", *version)
    made = pythons.venv()
    assert made.returncode == 1
    assert made.stdout == ""
    assert made.stderr.startswith(
        f"This needs Python {TESTED[0]} to {TESTED[-1]}, and python3 here is none: "
    )
    assert made.stderr.count("\n") == 1
