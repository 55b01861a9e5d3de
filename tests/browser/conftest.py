"""A real browser on the page of a real agent, which loads a target of its own.

Browser and driver are Debian's (packages chromium, chromium-driver), given by path; nothing is downloaded.
Without them the tests are skipped with the reason; with LOADLAB_REQUIRE_BROWSER=1 that is a failure. Every
test ends with a look at the console: an error that it did not announce fails it.
"""

import os
import shutil
from typing import NoReturn

import pytest
from selenium import webdriver

from support.browsing import LOAD_S, PATIENCE_S, Agent, Page

BROWSERS = ("chromium", "chromium-browser")
ARGUMENTS = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run")


def _missing(reason: str) -> NoReturn:
    if os.environ.get("LOADLAB_REQUIRE_BROWSER") == "1":
        pytest.fail(f"{reason} (and LOADLAB_REQUIRE_BROWSER=1 demands it)", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def driver():
    binary = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    chromedriver = shutil.which("chromedriver")
    if binary is None or chromedriver is None:
        _missing("no Chromium with its driver here (Debian: chromium, chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for argument in ARGUMENTS:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(chromedriver))
    driver.set_script_timeout(PATIENCE_S)
    driver.set_page_load_timeout(LOAD_S)
    yield driver
    driver.quit()


@pytest.fixture(scope="session")
def agent(driver, tmp_path_factory):
    agent = Agent(tmp_path_factory.mktemp("results"))
    yield agent
    agent.close()


def _on_the_page(driver, agent):
    page = Page(driver, agent)
    agent.quiet()
    page.size(1280, 900)
    page.media()
    driver.get_log("browser")
    yield page
    unexpected = page.unexpected()
    driver.get("about:blank")
    assert unexpected == []


@pytest.fixture
def page(driver, agent):
    """The page of an agent that all tests share."""
    yield from _on_the_page(driver, agent)


@pytest.fixture
def own_page(driver, tmp_path, request):
    """The page of an agent of the test's own, with these variables in its environment."""
    agent = Agent(tmp_path / "results", **getattr(request, "param", {}))
    yield from _on_the_page(driver, agent)
    agent.close()
