"""What `make outdated` finds newer, in the locks and of the images."""

import importlib.util

import pytest

from support.readme import ROOT

SPEC = importlib.util.spec_from_file_location("outdated", ROOT / "scripts" / "outdated.py")
outdated = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(outdated)

LOCK = """\
aiohttp==3.14.5 \\
    --hash=sha256:00
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:00
uvicorn[standard]==1.0 ; python_version < "3.12"
    # via aiohttp
"""
COMPOSE = """\
image: ${PROMETHEUS_IMAGE:-prom/prometheus:v3.13.2}
PYTHON_IMAGE: ${PYTHON_IMAGE:-python:3.13.13-slim}
"""


@pytest.fixture
def released(tmp_path, monkeypatch):
    """Make the releases of an image's software, as `git ls-remote` tells tags; the last word is where."""
    (tmp_path / "git").write_text('#!/bin/sh\nfor where; do :; done\ncat "$where"\n')
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def make(image, *tags):
        told = tmp_path / image.replace("/", "-")
        told.write_text("".join(f"{'0' * 40}\trefs/tags/{tag}\n" for tag in tags))
        monkeypatch.setitem(outdated.SOURCES, image, str(told))

    return make


def test_a_lock_is_read_with_its_markers_extras_and_hashes():
    assert outdated.versions(LOCK) == {"aiohttp": "3.14.5", "colorama": "0.4.6", "uvicorn": "1.0"}


def test_only_packages_whose_version_differs_are_told_once_each(monkeypatch):
    def locked(name):
        return outdated.versions((ROOT / "requirements" / f"{name}.txt").read_text())

    monkeypatch.setattr(outdated, "newest", lambda name, _folder: locked(name) | {"click": "99.0"})
    (told,) = outdated.packages()
    assert told.split() == ["click", locked("dev")["click"], "->", "99.0", "requirements/dev.txt"]


def test_an_image_has_newer_releases_of_its_generation_and_after_it_but_no_candidates(released):
    released("prom/prometheus", "v3.13.2", "v3.13.3", "v3.14.0", "v3.15.0-rc.0", "v4.0.1", "v2.53.9")
    released("python", "v3.13.13", "v3.13.14", "v3.14.9", "v3.15.0a1")
    told = [line.split()[:4] for line in outdated.images(COMPOSE)]
    assert told == [
        ["prom/prometheus", "v3.13.2", "->", "3.14.0"],
        ["prom/prometheus", "v3.13.2", "->", "4.0.1"],
        ["python", "3.13.13-slim", "->", "3.13.14"],
        ["python", "3.13.13-slim", "->", "3.14.9"],
    ]


def test_an_image_that_is_the_newest_is_not_told(released):
    released("prom/prometheus", "v3.13.2")
    released("python", "v3.13.13")
    assert list(outdated.images(COMPOSE)) == []


@pytest.mark.usefixtures("released")
def test_releases_that_cannot_be_read_are_said_and_nothing_is_guessed(monkeypatch, tmp_path):
    for image in ("prom/prometheus", "python"):
        monkeypatch.setitem(outdated.SOURCES, image, str(tmp_path / "nowhere"))
    told = list(outdated.images(COMPOSE))
    assert len(told) == 2
    assert all(line.endswith("its releases can't be read from here") for line in told)


def test_every_image_of_the_stack_is_asked_for():
    found = {image for image, _ in outdated._IMAGE.findall((ROOT / "docker-compose.yml").read_text())}
    assert found == outdated.SOURCES.keys()
