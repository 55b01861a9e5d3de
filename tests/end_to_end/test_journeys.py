"""Journeys of a real app: users who log in, in the shop of examples/, served by gunicorn."""

import os
import shutil
import sys
from collections import Counter
from pathlib import Path

import pytest

from loadlab.errors import Exit
from support.labs import CARRIED, Lab

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("journeys")]

SHOP = Path(__file__).parents[2] / "examples" / "shop"
SHORT = ["--concurrency", "4", "--duration", "2s", "--warmup", "0", "--workers", "2", "--threads", "4"]
KINDS = ["browse", "buy", "read_report", "search", "use_api"]


@pytest.fixture
def shop(tmp_path):
    """A copy of the shop with a database of its own, and `loadlab` there."""
    for name in ("app.py", "journeys.py", "users.csv"):
        shutil.copy(SHOP / name, tmp_path / name)
    assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, str(tmp_path / "app.py")]) == 0
    lab = Lab(tmp_path)
    yield lab
    lab.close()


def loaded(shop, *options, scenario="task"):
    done = shop("run", scenario, "--app", "app:app", "--journeys", "journeys.py", *SHORT, *options)
    assert done.returncode in CARRIED, done.stderr
    [result] = shop.results()
    [stage] = result["stages"]
    return done, result, stage


@pytest.mark.quick
@pytest.mark.parametrize(("scenario", "transport"), [("task", "wire"), ("pool", "aiohttp")])
def test_users_log_in_once_and_the_names_add_up_to_the_stage(shop, scenario, transport):
    more = ("--data", "users.csv", "--transport", transport, "--processes", "2")
    _, result, stage = loaded(shop, *(more if scenario == "pool" else more[:-2]), scenario=scenario)

    assert {each["name"] for each in stage["journeys"]} <= set(KINDS)
    assert len(stage["journeys"]) >= 3
    for each in stage["journeys"]:
        assert each["started"] == each["finished"] + each["cut"]
        assert each["failed"] == []
    outcomes, statuses = Counter(), Counter()
    for each in stage["by_name"]:
        outcomes.update(each["counts"])
        statuses.update(each["statuses"])
    assert +outcomes == +Counter(stage["counts"])
    assert statuses == stage["statuses"]
    assert set(statuses) <= {"200", "302"}
    assert {"GET /items/ID", "GET /items"} <= {each["name"] for each in stage["by_name"]}
    assert stage["counts"]["ok"] == stage["counts"]["scheduled"] >= 5
    assert stage["sent_aside"] == 4 * 2
    check = next(each for each in result["checks"] if each["name"] == "target_count")
    assert (check["outcome"], check["actual"]) == ("pass", 0)


def test_the_table_names_the_slow_page_and_show_has_all_names(shop):
    done, _, stage = loaded(shop, "--data", "users.csv", "--transport", "wire")
    assert "By name, the slowest first" in done.stdout
    shown = shop("show", "latest", "--by-name").stdout
    assert all(each["name"] in shown for each in stage["by_name"])
    assert "--by-name" not in shown


def test_journeys_arrive_by_a_schedule(shop):
    options = ["--rate", "10", "--duration", "2s", "--warmup", "0", "--workers", "2", "--threads", "4"]
    done = shop(
        *("run", "task", "--app", "app:app", "--journeys", "journeys.py"),
        *("--data", "users.csv", "--transport", "wire", *options),
    )
    assert done.returncode in CARRIED, done.stderr
    [result] = shop.results()
    [stage] = result["stages"]
    assert sum(each["started"] for each in stage["journeys"]) == 20
    assert "POST /login" in {each["name"] for each in stage["by_name"]}


def test_an_exception_of_a_journey_is_counted_by_its_line_and_ends_nothing(shop):
    (shop.folder / "journeys.py").write_text(
        "from loadlab.journeys import journey\n"
        "@journey\n"
        "async def look(user):\n"
        "    reply = await user.get('/search')\n"
        "    reply.json()['missing']\n"
    )
    done, _, stage = loaded(shop, "--transport", "wire")
    [look] = stage["journeys"]
    [failure] = look["failed"]
    assert failure["reason"] == "ValueError in line 5"
    assert "reply.json()" in failure["traceback"]
    assert failure["count"] == look["started"] - look["cut"] > 5
    assert "look failed" in done.stdout


def test_users_that_can_not_log_in_are_told_with_the_step(shop):
    (shop.folder / "users.csv").write_text("name,password\nnobody,wrong\n")
    done = shop(
        *("run", "task", "--app", "app:app", "--journeys", "journeys.py"),
        *("--data", "users.csv", "--transport", "wire", *SHORT),
    )
    assert done.returncode == Exit.INVALID
    assert "could not set its users up: POST /login: status 401" in " ".join(done.stdout.split())
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (["task", "--journeys", "missing.py"], "--journeys: missing.py: No such file"),
        (
            ["threads", "--journeys", "journeys.py"],
            "threads cannot carry them; task and pool can",
        ),
        (["task", "--transport", "null", "--journeys", "journeys.py"], "--transport null cannot carry them"),
        (["task", "--journeys", "journeys.py", "--path", "/x"], "--path: --journeys name their requests"),
        (["task", "--data", "users.csv"], "--data: it gives rows to the users of --journeys"),
        (
            ["task", "--journeys", "journeys.py", "--data", "users.csv", "--data-order", "unique"],
            "--data: there are 100 rows for 101 users",
        ),
    ],
)
def test_what_can_not_go_together_is_refused_in_a_sentence(shop, options, what):
    done = shop("run", *options, "--concurrency", "101")
    assert done.returncode == Exit.USAGE
    assert what in done.stderr
