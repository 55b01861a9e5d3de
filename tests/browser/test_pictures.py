"""The pictures of the docs: taken of the real page after a real run, and as large as the ones that are kept.

`make pictures` writes them anew, into the folder that LOADLAB_PICTURES names.
"""

import os
import struct
from pathlib import Path

import pytest

from support.browsing import Agent, Page
from support.readme import README, ROOT

pytestmark = [pytest.mark.browser, pytest.mark.real]

KEPT = ROOT / "docs" / "pictures"
WIDTH, HEIGHT = 1280, 860
MOST_BYTES = 250_000


def size(png):
    """Return width and height of a PNG, which its first chunk holds."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", png[16:24])


@pytest.fixture
def folder(tmp_path):
    """Where the pictures go. A path that was given counts from the folder that the tests were started in."""
    return Path(os.environ.get("LOADLAB_PICTURES", tmp_path)).resolve()


@pytest.fixture
def lab(driver, folder, tmp_path, monkeypatch):
    """The page of an agent whose command line names no folder of this machine."""
    monkeypatch.chdir(tmp_path)
    agent = Agent(Path("results"))
    yield Page(driver, agent)
    agent.close()


def test_the_page_is_pictured_after_a_run(lab, folder):
    lab.size(WIDTH, HEIGHT)
    lab.open()
    lab.agent.run(scenario="task", concurrency="1,2,4,8,16,32", duration="2s", label="first sweep")
    lab.wait_text("#phase", r"^(PASS|PASS with warnings|INVALID)$")
    lab.wait(".plot[role=img]")
    lab.driver.execute_script("document.querySelector('#new').open = false; window.scrollTo(0, 0)")
    picture = folder / "page.png"
    lab.driver.save_screenshot(str(picture))
    assert size(picture.read_bytes()) == size((KEPT / "page.png").read_bytes())


def test_the_readme_shows_the_kept_picture_which_is_small():
    assert "](docs/pictures/page.png)" in README
    assert (KEPT / "page.png").stat().st_size < MOST_BYTES
