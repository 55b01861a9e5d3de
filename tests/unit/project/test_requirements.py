"""What is installed is written down once, locked by hash, and from nowhere in particular."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[3]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
INPUTS = sorted((ROOT / "requirements").glob("*.in"))


def named(path):
    lines = (line.partition("#")[0].strip() for line in path.read_text().splitlines())
    return {line for line in lines if line and not line.startswith("-")}


def test_the_distribution_needs_what_client_and_target_need():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = named(ROOT / "requirements" / "client.in") | named(ROOT / "requirements" / "target.in")
    assert {_plain(line) for line in project["dependencies"]} == {_plain(line) for line in wanted}


def _plain(requirement):
    return re.sub(r"\s+", " ", requirement.replace("'", '"')).strip()


def test_there_is_a_lock_for_each_list():
    assert {path.stem for path in LOCKS} == {path.stem for path in INPUTS} >= {"client", "target", "dev"}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_locked_package_has_its_version_and_hashes(lock):
    text = lock.read_text().replace("\\\n", " ")
    entries = [
        line for line in text.splitlines() if line.strip() and not line.lstrip().startswith(("#", "-"))
    ]
    assert entries
    for entry in entries:
        assert re.match(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==[^\s;]+", entry), entry
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry), entry


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_everything_that_a_list_names_is_locked(lock):
    locked = {
        match.lower().replace("_", "-")
        for match in re.findall(r"^([A-Za-z0-9._-]+)", lock.read_text(), re.MULTILINE)
    }
    wanted = {
        re.match(r"[A-Za-z0-9._-]+", line)[0].lower().replace("_", "-")
        for line in named(lock.with_suffix(".in"))
    }
    assert wanted <= locked


@pytest.mark.parametrize("file", [*LOCKS, *INPUTS, ROOT / "pyproject.toml"], ids=lambda path: path.name)
def test_no_file_says_where_packages_come_from(file):
    text = file.read_text()
    assert not re.search(r"--(extra-)?index-url|--find-links|--trusted-host|index-url\s*=", text)
    assert not re.search(r"^[^#]*https?://", text, re.MULTILINE)


def pythons():
    requires = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    return [f"3.{minor}" for minor in range(31) if f"3.{minor}" in SpecifierSet(requires)]


def wheels():
    """Package, version and Python, with the tags of the wheels that it takes."""
    rows = [line.split("\t") for line in (ROOT / "requirements" / "wheels.tsv").read_text().splitlines()]
    return {
        (name, version, python): tags.split()
        for name, version, takes, tags in rows
        for python in takes.split()
    }


def locked_for(python):
    """What a run and an image install on Linux, by this Python."""
    here = {"sys_platform": "linux", "platform_python_implementation": "CPython", "platform_system": "Linux"}
    for lock in ("client", "target", "build"):
        text = (ROOT / "requirements" / f"{lock}.txt").read_text()
        for name, version, marker in re.findall(
            r"^([a-z0-9-]+)==([^ ;]+)(?: ; (.*?))? \\$", text, re.MULTILINE
        ):
            if not marker or Marker(marker).evaluate(
                here | {"python_version": python, "python_full_version": f"{python}.0"}
            ):
                yield name, version, python


def test_the_table_of_wheels_has_each_package_that_a_run_or_an_image_installs():
    assert {"3.11", "3.13"} <= set(pythons())
    assert wheels().keys() == {each for python in pythons() for each in locked_for(python)}


@pytest.mark.parametrize("architecture", ["x86_64", "aarch64"])
def test_no_package_has_to_be_compiled_on_a_supported_python(architecture):
    for (name, _, python), tags in wheels().items():
        own = f"cp{python.replace('.', '')}-"
        fitting = [
            tag for tag in tags if tag.endswith(f"-{architecture}") and (own in tag or "-abi3-" in tag)
        ]
        assert fitting or "any" in tags, (name, python)


def test_a_package_without_a_wheel_for_one_architecture_is_named(tmp_path):
    lock = tmp_path / "pylock.toml"
    fits = 'wheels = [{url = "x/pure-1.0-py3-none-any.whl"}]'
    lacks = 'wheels = [{url = "x/built-2.0-cp311-abi3-manylinux_2_28_x86_64.whl"}]'
    lock.write_text(
        f'[[packages]]\nname = "pure"\nversion = "1.0"\n{fits}\n'
        f'[[packages]]\nname = "built"\nversion = "2.0"\n{lacks}\n'
    )
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "wheels.py", lock], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "No wheel of built 2.0 for" in done.stderr
