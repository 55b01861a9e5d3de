"""What is installed is written down once, locked by hash, and from nowhere in particular."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
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
