"""A project's name becomes a part of paths: one that is none is refused before anything is touched."""

import pytest

from support.checkouts import Checkout

pytestmark = pytest.mark.real

DOCKER = """#!/bin/sh
cd "$(dirname "$0")" && echo "$*" >>asked
case $* in
"version "*) echo 27.0.0 ;;
"compose version --short") echo 2.26.1 ;;
"context inspect "*) echo tcp://192.0.2.1:2375 ;;
esac
"""
ODD = [
    "../../x",
    "..",
    ".",
    "/tmp/x",
    "a/../../../x",
    "A",
    "-rf",
    "_a",
    "a b",
    "a;b",
    "*",
    "$HOME",
    "ü",
]
CHORES = ["down", "up", "open", "logs"]


@pytest.fixture
def checkout(tmp_path):
    """Return a checkout two levels deep, and a folder outside that a name can lead to."""
    folder = tmp_path / "a" / "checkout"
    folder.mkdir(parents=True)
    for outside in (tmp_path / "a" / "x", tmp_path / "x"):
        outside.mkdir()
        (outside / "token").write_text("precious")
        (outside / "app").mkdir()
    return Checkout(folder, DOCKER)


def content(folder):
    """Return every path below a folder."""
    return sorted(path.relative_to(folder) for path in folder.rglob("*"))


def given(checkout, way, name, chore):
    match way:
        case "command line":
            return checkout.run_make(chore, f"COMPOSE_PROJECT_NAME={name.replace('$', '$$')}")
        case "environment":
            return checkout.run_make(chore, COMPOSE_PROJECT_NAME=name)
        case _:
            value = f"'{name}'" if "$" in name else name  # without quotes it would be a variable
            return with_line(checkout, f"COMPOSE_PROJECT_NAME={value}", chore)


def with_line(checkout, line, chore):
    (checkout.folder / ".env").write_text(f"{line}\n")
    return checkout.run_make(chore)


@pytest.mark.parametrize("way", ["command line", "environment", ".env"])
@pytest.mark.parametrize("name", ODD)
def test_a_name_that_is_none_is_refused_before_anything_is_touched(checkout, tmp_path, way, name):
    before = content(tmp_path)
    for chore in CHORES:
        done = given(checkout, way, name, chore)
        assert done.returncode == 2, done.stdout
        assert done.stderr.startswith("COMPOSE_PROJECT_NAME: '")
        assert "is no name of a project: use lower-case letters" in done.stderr
    assert [path for path in content(tmp_path) if path.name != ".env"] == before


@pytest.mark.parametrize("value", ["$HOME", '"$HOME"', "${HOME}/x"])
def test_a_name_that_compose_would_make_of_a_variable_is_refused_before_anything_is_touched(
    checkout, tmp_path, value
):
    before = content(tmp_path)
    for chore in CHORES:
        done = with_line(checkout, f"COMPOSE_PROJECT_NAME={value}", chore)
        assert done.returncode == 2, done.stdout
        assert done.stderr.startswith(".env: line 1: Compose would take the $ for a variable")
    assert [path for path in content(tmp_path) if path.name != ".env"] == before


def test_a_name_of_two_lines_is_refused(checkout):
    done = given(checkout, "environment", "a\nb", "down")
    assert done.returncode == 2
    assert done.stderr.startswith("COMPOSE_PROJECT_NAME: 'ab' is no name of a project")


@pytest.mark.parametrize("name", ["lab2", "'lab2'", '"lab2"', "lab2\r"])
def test_a_name_may_stand_in_env_as_compose_reads_it(checkout, name):
    staged = checkout.folder / ".stack" / "lab2"
    staged.mkdir(parents=True)
    done = given(checkout, ".env", name, "down")
    assert done.returncode == 0, done.stderr
    assert not staged.exists()


@pytest.mark.parametrize("link", [".stack", ".stack/lab2"])
def test_a_link_in_the_place_of_the_folder_is_not_followed(checkout, tmp_path, link):
    place = checkout.folder / link
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(tmp_path / "x", target_is_directory=True)
    before = content(tmp_path / "x")
    for chore in ("down", "up"):
        done = given(checkout, "environment", "lab2", chore)
        assert done.returncode == 2
        assert f"{link} is a link" in done.stderr
    assert content(tmp_path / "x") == before
