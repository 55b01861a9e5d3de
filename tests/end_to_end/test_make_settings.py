"""`make` refuses a setting that it does not have, and takes every one that there is."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
(LISTED,) = re.findall(r"^settings := ((?:.*\\\n)*.*)$", MAKEFILE, re.MULTILINE)
SETTINGS = LISTED.replace("\\\n", " ").split()


# What an outer make hands down is meant for it: `make test` would have this one say which folder it enters.
OUTER_MAKE = {"MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS", "ARGS", "SCENARIO"}


def asked(*arguments, **environment):
    """Ask make what it would do."""
    outer = {name: value for name, value in os.environ.items() if name not in OUTER_MAKE}
    return subprocess.run(
        ["make", "--dry-run", *arguments],
        cwd=ROOT,
        env=outer | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("goal", ["run", "up", "tour"])
def test_a_misspelt_setting_is_refused_by_its_name(goal):
    done = asked(goal, "CONCURENCY=8", "DURATION=1s")
    assert done.returncode == 2
    assert "CONCURENCY: no setting of this Makefile" in done.stderr
    assert "DURATION:" not in done.stderr
    assert done.stdout == ""


def test_a_word_that_is_no_chore_is_refused_before_anything_is_done():
    done = asked("run", "task")
    assert done.returncode == 2
    assert "task: no chore of this Makefile" in done.stderr
    assert done.stdout == ""


def test_every_chore_of_the_list_has_its_rule_and_every_rule_is_in_the_list():
    (listed,) = re.findall(r"^chores := ((?:.*\\\n)*.*)$", MAKEFILE, re.MULTILINE)
    rules = re.findall(r"^([a-z-]+):(?!=)", MAKEFILE, re.MULTILINE)
    assert sorted(listed.replace("\\\n", " ").split()) == sorted(rules)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_reaches_the_scripts_as_it_was_given(name):
    value = "http://h/?$filter=a&$(b)=${c}&d=$$e #f %g"
    shows = f".show: ; @printenv {name}"
    done = subprocess.run(
        ["make", "--no-print-directory", "--eval", shows, ".show", f"{name}={value}"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name not in OUTER_MAKE},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == f"{value}\n", done.stderr


def test_every_setting_is_taken_whatever_its_value_holds():
    done = asked("run", *(f"{name}=a 'b' \"c\" d=e%" for name in SETTINGS))
    assert done.returncode == 0, done.stderr
    assert "scripts/run.sh" in done.stdout


def test_what_is_meant_for_the_programs_stands_before_make():
    assert asked("run", NO_COLOR="1", CONCURENCY="8").returncode == 0


def test_a_makefile_that_calls_this_one_hands_its_settings_over(tmp_path):
    outer = tmp_path / "Makefile"
    outer.write_text(f'all:\n\t@$(MAKE) -C "{ROOT}" --dry-run run CONCURRENCY=3\n')
    done = subprocess.run(["make", "-f", outer], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_list_has_every_setting_of_the_stack_and_of_run():
    compose = " ".join(path.read_text() for path in ROOT.glob("docker-compose*.yml"))
    scripts = " ".join(path.read_text() for path in (ROOT / "scripts").glob("*.sh"))
    run = (ROOT / "scripts" / "run.sh").read_text()
    read = set(re.findall(r"\$\{([A-Z_]+)", compose + run)) | set(re.findall(r"\bsetting ([A-Z_]+)", scripts))
    handed_over = {name for name in read if name.endswith("_FILES")} | {"APP_REQUIREMENTS", "APP_REVISION"}
    assert read - handed_over - set(SETTINGS) == set()


@pytest.mark.parametrize("name", SETTINGS)
def test_the_list_has_nothing_that_nobody_reads(name):
    readers = [*ROOT.glob("docker-compose*.yml"), *(ROOT / "scripts").glob("*.sh"), ROOT / "Makefile"]
    text = "".join(path.read_text() for path in readers).replace(LISTED, "")
    read = r"_CPUS\b" if name.endswith("_CPUS") else rf"\b{name}\b"
    assert re.search(read, text)


@pytest.mark.parametrize("name", SETTINGS)
def test_the_reference_lists_them(name):
    assert re.search(rf"\b{name}\b", (ROOT / "docs" / "reference.md").read_text())


def run_with(arguments, folder):
    """Have `make run` call a stand-in for loadlab; return how it ended and what it was called with."""
    shutil.copytree(ROOT / "scripts", folder / "scripts")
    (folder / ".venv" / "bin").mkdir(parents=True)
    stand_in = folder / ".venv" / "bin" / "loadlab"
    stand_in.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    stand_in.chmod(0o755)
    return subprocess.run(
        ["sh", "scripts/run.sh"],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "ARGS": arguments},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("sign", ["&", ";", "|", "<", ">", "(", ")"])
def test_what_would_end_the_options_in_a_shell_is_refused_outside_of_quotes(sign, tmp_path):
    done = run_with(f"--label 'a b' --path /?a=1{sign}b=2 --header A:b", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("ARGS: put what holds & ; | < > ( ) into quotes")


@pytest.mark.parametrize("quoted", ["'/?a=1&b=(2)'", '"/?a=1&b=(2)"', "/?a=1\\&b=\\(2\\)"])
def test_within_quotes_it_is_part_of_the_option(quoted, tmp_path):
    done = run_with(f"--path {quoted} --header 'A: b'", tmp_path)
    assert done.stdout.splitlines() == ["run", "--path", "/?a=1&b=(2)", "--header", "A: b"]
