"""Earlier runs on the page: found in the list, opened, known by what they were, had as a file."""

import msgspec
import pytest

from loadlab.targets import App
from loadlab.workload.plan import Request, Stage
from support.browsing import until
from support.fakes import plan
from support.results import limited_by_the_client
from support.results import result as a_result
from support.results import stage as a_stage

pytestmark = [pytest.mark.browser, pytest.mark.real]


def test_an_earlier_run_opens_from_the_list_on_the_same_charts_and_the_address_names_it(page, agent):
    run_id = "20261101-080000-task-aaaa"
    agent.keep(limited_by_the_client(run_id))
    page.open()
    page.wait(f"#runs a[data-run='{run_id}']").click()
    page.wait_text("#permalink", run_id)
    assert page.js("location.hash") == f"#run={run_id}"
    page.wait("#time .plot[role=img]")
    assert len(page.all("#sweep figure")) == 2
    assert len(page.all("#time figure")) == 4
    page.open(f"#run={run_id}")
    page.wait_text("#permalink", run_id)
    page.open("#run=20200101-000000-task-zzzz")
    page.wait_text("#empty", "no result of that name")
    page.expected = [r"task-zzzz - Failed to load resource: the server responded with a status of 404"]


def test_a_run_is_known_by_its_label_its_app_and_its_command(page, agent):
    run_id = "20261101-081500-task-aaaa"
    known = {
        "label": "before <b>it</b>",
        "command": "loadlab run task --app shop:app",
        "app": App(module="shop:app", revision="0123456789abcdef", dirty=True),
    }
    agent.keep(msgspec.structs.replace(limited_by_the_client(run_id), **known))
    page.open(f"#run={run_id}")
    page.wait_text("#permalink", run_id)
    assert page.text("#run-name") == known["label"]
    assert "task · fake · closed · shop:app at 0123456789 with changes" in page.text("#what")
    assert page.text("#typed") == known["command"]
    assert page.one("#permalink").size["height"] < page.one("#run-name").size["height"]
    listed = page.wait(f"#runs a[data-run='{run_id}']").text
    assert listed.startswith(known["label"])
    assert "shop:app at 0123456789 with changes" in listed


def test_the_page_of_a_run_holds_no_secret_and_keeps_none(page, agent):
    token = "s3cr3t-of-the-browser"
    page.open()
    run_id = agent.run(
        scenario="task", concurrency="1", duration="300ms", path=f"/?token={token}",
        header=[f"Authorization: Bearer {token}", f"X-Own: {token}"], secret_header=["X-Own"], body=token,
    )  # fmt: skip
    page.wait_text("#permalink", run_id)
    page.wait("#result:not([hidden])")
    assert "Authorization: ***" in page.text("#typed")
    stored = "JSON.stringify([{...localStorage}, {...sessionStorage}, location])"
    held = f"document.documentElement.outerHTML + {stored}"
    assert token not in page.js(held)


def test_a_run_without_a_label_is_called_what_it_is(page, agent):
    run_id = "20261101-081600-task-aaaa"
    agent.keep(limited_by_the_client(run_id))
    page.open(f"#run={run_id}")
    page.wait_text("#run-name", "task · fake · closed")
    assert page.text("#typed") == ""


def test_a_label_from_the_form_is_the_runs(page, agent):
    page.open()
    page.choose("task")
    page.fill("concurrency", "1")
    page.fill("duration", "300ms")
    page.fill("label", "mine")
    assert "--label mine" in page.text("#command")
    page.one("#start").click()
    page.wait_text("#run-name", "mine")


def test_the_result_of_a_run_is_had_as_a_file(page, agent, tmp_path):
    run_id = "20261101-083000-task-aaab"
    agent.keep(limited_by_the_client(run_id))
    page.driver.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)}
    )
    page.open(f"#run={run_id}")
    page.wait_text("#permalink", run_id)
    page.wait("#result:not([hidden])").click()
    file = tmp_path / f"{run_id}.json"
    until(file.exists, "the file")
    assert file.read_bytes() == (agent.out / run_id / "result.json").read_bytes()


def test_runs_in_the_list_tell_by_what_they_differ(own_page):
    for second, (users, seconds, path) in enumerate(
        (((1, 8), 3, "/"), ((32,), 3, "/"), ((1, 8), 5, "/slow"))
    ):
        made = msgspec.structs.replace(
            plan(),
            stages=tuple(Stage(concurrency=count) for count in users),
            duration_ns=seconds * 1_000_000_000,
            requests=(Request(method="GET", url=f"http://127.0.0.1:{9000 + second}{path}"),),
        )
        own_page.agent.keep(
            a_result(
                run_id=f"20261101-12000{second}-task-aaaa",
                started_at=f"2026-11-01T12:00:0{second}.000+00:00",
                plan=made,
                stages=tuple(a_stage(label=str(count), concurrency=count) for count in users),
            )
        )
    own_page.open()
    until(lambda: len(own_page.all("#runs li")) == 3, "the runs")
    rows = [
        [part.text for part in row.find_elements("css selector", ".second")]
        for row in own_page.all("#runs li")
    ]
    assert [first.partition(" · ")[2] for first, _ in rows] == ["1, 8 users", "32 users", "1, 8 users"]
    assert [first.partition(" · ")[0][-2:] for first, _ in rows] == ["02", "01", "00"]
    assert [second.split(" · ")[1:] for _, second in rows] == [
        ["GET /slow", "5.00 s each"], ["3.00 s each"], ["3.00 s each"],
    ]  # fmt: skip
