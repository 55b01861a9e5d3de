"""The live page as a person meets it: started, watched, left alone, stopped."""

import contextlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import urllib.request

import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from loadlab.agent.api import MOST_FOLLOWERS
from support.browsing import until

pytestmark = [pytest.mark.browser, pytest.mark.real]

ENDED = r"^(PASS|PASS with warnings|STOPPED|FAIL|INVALID)$"
REFUSED = r"/api/runs - Failed to load resource: the server responded with a status of 4\d\d"
LOST = r"net::ERR_(CONNECTION|INCOMPLETE_CHUNKED|EMPTY_RESPONSE|TIMED_OUT|ABORTED)"
NO_RESULT = r"/api/runs/[^/]+ - Failed to load resource: the server responded with a status of 404"
LONG = {"scenario": "task", "concurrency": "4,8", "duration": "60s"}


def tab_to(page, name, most=25):
    """Press Tab until the element with this id has the focus, and shows it."""
    for _ in range(most):
        page.driver.switch_to.active_element.send_keys(Keys.TAB)
        if page.js("document.activeElement.id") == name:
            assert page.js("getComputedStyle(document.activeElement).outlineStyle") == "solid"
            return page.driver.switch_to.active_element
    pytest.fail(f"Tab does not come to {name}")


@pytest.mark.quick
def test_a_run_is_started_by_keyboard_alone_and_its_numbers_move_until_there_is_a_verdict(page, agent):
    page.open()
    tab_to(page, "scenario").send_keys("task")
    assert page.text("#idea").startswith("N tasks on one event loop")
    page.fill("concurrency", "1,8")
    page.fill("duration", "4s")
    same = f"--threads 8 --delay 20ms --out {agent.out}"
    assert page.text("#command") == f".venv/bin/loadlab run task --concurrency 1,8 --duration 4s {same}"
    tab_to(page, "start").send_keys(Keys.SPACE)

    seen = set()
    until(lambda: seen.add(page.figure("throughput")) or len(seen - {"–"}) >= 3, "three different rates")
    page.wait_text("#phase", ENDED)
    run_id = page.text("#permalink")
    result = agent.result(run_id)
    (listed,) = [run for run in json.loads(agent.get("api/runs")) if run["run_id"] == run_id]
    assert page.text("#phase") == page.text("#verdict strong") == listed["headline"]
    assert page.text(f"#runs a[data-run='{run_id}'] .mark") == listed["headline"]
    assert "2 of 2 stages" in page.text("#verdict")
    rows = [
        [cell.text for cell in row.find_elements("css selector", "th, td")]
        for row in page.all("#table tbody tr")
    ]
    assert [row[0].lstrip("?!") for row in rows] == ["1", "8"]
    assert [row[1] for row in rows] == [f"{stage['counts']['scheduled']:,}" for stage in result["stages"]]
    assert rows[0][8] == "–"
    assert "too few" in page.all("#table tbody tr:first-child td")[7].get_attribute("title")
    assert page.wait(f"#runs a[data-run='{run_id}'][aria-current]")
    assert [float(bar.get_attribute("value")) for bar in page.all("#stages progress")] == [1, 1]
    assert len([plot for plot in page.all(".plot[role=img]") if plot.size["height"] > 150]) == 6


def test_a_run_started_elsewhere_shows_up_a_second_start_is_refused_in_words_and_stop_drains(page, agent):
    page.expected = [REFUSED]
    page.open()
    run_id = agent.run(**LONG)
    page.wait_text("#permalink", run_id)
    page.wait_text("#phase", "measuring")
    assert page.text("#start-hint") == f"{run_id} is under way, and there is one load at a time."
    assert "hindered" in page.one("#start").get_attribute("class")
    page.one("#start").click()
    assert run_id in page.wait_text("#refusal", "one load at a time")
    page.one("#stop").click()
    page.wait_text("#stop", "wait for nothing")
    page.wait_text("#phase", ENDED)
    assert page.text("#verdict strong") == "STOPPED"
    assert "stopped early, what was measured is kept" in page.text("#verdict")
    assert page.text("#stages li:last-child .word") == "not run"
    assert page.text("#start-hint") == ""
    assert not page.one("#stop").is_displayed()
    assert agent.result(run_id)["interrupted"]


def test_the_command_has_the_options_as_a_terminal_takes_them_and_those_of_the_agent(page, agent):
    page.open()
    page.choose("task", "closed")
    page.fill("concurrency", "8")
    page.fill("think", "exp:2s")
    page.fill("ramp_up", "1s")
    page.one("#request summary").click()
    page.fill("max_errors", "5%")
    page.fill("path", "/page?a=1&b=it's")
    page.fill("method", "PUT")
    page.fill("header", "Accept: text/html\n\n  X-One: 1 ")
    page.fill("body", " two\nlines ")
    words = shlex.split(page.text("#command"))
    assert words[:5] == [".venv/bin/loadlab", "run", "task", "--concurrency", "8"]
    assert words[5:] == [
        *("--think", "exp:2s", "--ramp-up", "1s"),
        *("--path", "/page?a=1&b=it's", "--method", "PUT"),
        *("--header", "Accept: text/html", "--header", "X-One: 1", "--body", " two\nlines "),
        *("--max-errors", "5%", "--threads", "8", "--delay", "20ms", "--out", str(agent.out)),
    ]
    Select(page.one("#transport")).select_by_visible_text("null")
    assert "--threads" not in page.text("#command"), "the null transport contacts no target"


def test_what_the_agent_will_not_run_is_said_at_the_form_and_the_field_is_marked(page):
    page.expected = [REFUSED]
    page.open()
    page.fill("duration", "3 parsecs")
    page.one("#start").click()
    assert page.wait_text("#refusal", "parsecs").startswith("Measured time: '3 parsecs' is not a duration")
    assert page.js("document.activeElement.id") == "duration"
    assert page.one("#duration").get_attribute("aria-invalid") == "true"


def test_a_field_that_is_folded_away_is_shown_when_it_is_refused(page):
    page.expected = [REFUSED]
    page.open()
    page.one("#request summary").click()
    page.fill("header", "no colon")
    page.one("#request summary").click()
    page.one("#start").click()
    page.wait_text("#refusal", "^Headers: ")
    assert page.js("document.activeElement.id") == "header"
    assert page.one("#header").is_displayed()


def test_every_option_that_the_form_has_is_named_by_its_label_in_a_refusal(page):
    page.open()
    said = page.js(
        """(async () => {
            const { Form } = await import('/static/form.js');
            const own = Form.prototype;
            const form = { form: document.getElementById('form'), field: own.field };
            return [...document.querySelectorAll('[data-option]')].map(({ dataset }) => (
                own.inItsWords.call(form, `--${dataset.option.replaceAll('_', '-')}: no --timeout`)));
        })()"""
    )
    assert len(said) >= 15
    assert [line for line in said if line.startswith("--")] == []
    assert {line.partition(": ")[2] for line in said} == {"no --timeout"}


KEEP_POSTED = """(() => {
    const fetched = window.fetch;
    window.posted = [];
    window.fetch = (path, options) => {
        if (options?.method === 'POST') posted.push(JSON.parse(options.body));
        return fetched(path, options);
    };
})()"""


def test_path_method_headers_and_body_are_requested_as_they_were_written(page, agent):
    page.open()
    page.choose("task", "batch")
    page.fill("requests", "2")
    page.one("#request summary").click()
    page.fill("path", "/error?status=418")
    page.fill("method", "PUT")
    page.fill("header", "X-One: 1\nX-Two: 2")
    page.fill("body", "some\nthing")
    page.fill("expect_status", "418")
    before = page.text("#permalink")
    page.js(KEEP_POSTED)
    page.one("#start").click()
    until(lambda: page.text("#permalink") != before, "the run to begin")
    page.wait_text("#phase", ENDED)
    (posted,) = page.js("posted")
    asked = {name: posted["options"][name] for name in ("path", "method", "header", "body", "expect_status")}
    assert asked == {
        "path": "/error?status=418",
        "method": "PUT",
        "header": ["X-One: 1", "X-Two: 2"],
        "body": "some\nthing",
        "expect_status": "418",
    }
    result = agent.result(page.text("#permalink"))
    (request,) = result["plan"]["requests"]
    assert (request["method"], request["url"].partition("/error")[2]) == ("PUT", "?status=418")
    assert dict(request["headers"]) == {"X-One": "1", "X-Two": "2"}
    assert request["body_bytes"] == len("some\nthing")
    assert result["stages"][0]["statuses"] == {"418": 2}


def test_the_form_offers_only_what_a_scenario_can_do(page, agent):
    page.open()
    for told in agent.state()["scenarios"]:
        page.choose(told["name"])
        assert [option.text for option in page.all("#transport option")] == told["transports"]
        assert page.one("#processes").is_displayed() == told["many_processes"]
        for radio in page.all("[name=workload]"):
            radio.click()
            closed = radio.get_attribute("value") == "closed"
            assert page.one("#concurrency").is_displayed() == (closed and not told["single_user"])


WATCH_BOTH = """(() => {
    const read = (css) => document.querySelector(css)?.textContent;
    const legend = (chart) => read(`#time figure:nth-of-type(${chart}) .chip:nth-child(1) output`);
    const tile = (name) => read(`[data-figure=${name}] b`);
    window.seen = [];
    setInterval(() => {
        if (!read('#figures-of').startsWith('Now') || !legend(1)) return;
        seen.push({
            at: read('#time .at'),
            tiles: ['throughput', 'p50', 'in_flight', 'busy'].map(tile),
            legends: [1, 2, 3, 4].map(legend),
        });
    }, 20);
})()"""


def test_the_legends_of_the_charts_say_the_same_moment_as_the_big_numbers(page, agent):
    page.open()
    page.js(WATCH_BOTH)
    run_id = agent.run(**LONG)
    page.wait_text("#permalink", run_id)
    until(lambda: len({tuple(each["tiles"]) for each in page.js("seen")}) >= 5, "figures that move")
    agent.quiet()
    page.wait_text("#phase", ENDED)
    seen = page.js("seen")
    for each in seen:
        tiles, legends = (
            [re.sub(r"\.0+$", "", text) or "–" for text in each[of]] for of in ("tiles", "legends")
        )
        assert tiles == legends
    assert {each["at"] for each in seen} == {"now"}


def test_a_reload_in_the_middle_shows_the_same_run_and_all_of_it(page, agent):
    """Of many stages, so that it goes on however long the page takes to load."""
    run_id = agent.run(scenario="task", concurrency=",".join(map(str, range(4, 64))), duration="2s")
    page.open()
    page.wait("#stages li[data-state=running]:nth-child(n+2)")
    before = page.text("#table tbody tr")
    page.open()
    page.wait("#stages li[data-state=running]")
    assert page.text("#permalink") == run_id
    until(lambda: page.text("#table tbody tr") == before, "the first stage as before")
    label = "document.querySelector('#time .plot')?.getAttribute('aria-label') ?? ''"
    until(lambda: "achieved" in page.js(label), "the chart of the throughput")
    page.one("#time .plot").send_keys(Keys.HOME)
    first = float(re.search(r"at ([\d.]+) s", page.js(label))[1])
    assert first < 2.4, "the chart begins in the first stage"


def test_a_silent_agent_is_called_lost_and_picked_up_when_it_speaks_again(page, agent):
    page.expected = [LOST]
    run_id = agent.run(**LONG)
    page.open()
    page.wait_text("#phase", "measuring")
    agent.pause()
    try:
        page.wait_text("#connection", "connection lost at")
        assert page.text("#start-hint") == "The agent does not answer."
        until(lambda: page.one("#stop").get_attribute("aria-disabled"), "a Stop that can't be pressed")
    finally:
        agent.resume()
    page.wait_text("#connection", "^connected$")
    until(lambda: not page.one("#stop").get_attribute("aria-disabled"), "a Stop that can be pressed again")
    assert page.text("#permalink") == run_id
    before = page.figure("throughput"), page.text("#phase")
    until(lambda: (page.figure("throughput"), page.text("#phase")) != before, "something that moves again")


def test_an_agent_that_was_killed_and_started_again_is_found_again(own_page):
    own_page.expected = [LOST, NO_RESULT]
    run_id = own_page.agent.run(**LONG | {"duration": "3s", "concurrency": "4,8,8,8,8,8"})
    own_page.open()
    own_page.wait("#stages li[data-state=running]:nth-child(2)")
    first = own_page.text("#table tbody tr")
    own_page.agent.kill()
    own_page.wait_text("#connection", "connection lost at")
    own_page.agent.start()
    own_page.wait_text("#connection", "^connected$")
    own_page.wait_text("#verdict", "the agent ended during the run: finished stages are kept")
    assert own_page.text("#permalink") == run_id
    assert own_page.text("#table tbody").startswith(first), "the stage that had ended is kept"
    assert own_page.text(f"#runs a[data-run='{run_id}'] .mark") == own_page.text("#phase") == "INVALID"
    again = own_page.agent.run(scenario="task", workload="batch", requests="10")
    own_page.wait_text("#permalink", again)
    own_page.wait_text("#phase", ENDED)


def test_a_run_of_the_command_line_whose_agent_was_killed_says_so_and_then_its_result(own_page, tmp_path):
    own_page.expected = [LOST, NO_RESULT]
    agent, kept = own_page.agent, tmp_path / "kept"
    agent.close()
    agent.start(LOADLAB_AGENT_SOCKET=str(tmp_path / "agent.sock"))
    run = ["run", "task", "--concurrency", "4,8,8,8", "--duration", "3s", "--quiet", "--out", str(kept)]
    environment = os.environ | {"LOADLAB_AGENT_SOCKET": str(tmp_path / "agent.sock")}
    with subprocess.Popen([sys.executable, "-m", "loadlab", *run], env=environment) as command:
        own_page.open()
        own_page.wait("#stages li[data-state=running]:nth-child(2)")
        first = own_page.text("#table tbody tr")
        agent.kill()
        own_page.wait_text("#connection", "connection lost at")
        agent.start()
    assert command.returncode == 3
    own_page.wait_text("#verdict", "the agent ended during the run, after 1 of 4 stages;")
    assert own_page.text("#phase") == "INVALID"
    assert own_page.text("#table tbody").startswith(first), "the stage that had ended is kept"
    (result,) = kept.iterdir()
    shutil.copytree(result, agent.out / result.name)
    own_page.wait_text("#verdict", "the agent (was lost|has gone).* during the run: finished stages")


SLOW_REPLY = """((...given) => {
    const fetched = window.fetch;
    const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });
    window.fetch = async (path, options) => {
        const reply = await fetched(path, options);
        if (path !== '/api/runs' || options.method !== 'POST') return reply;
        const { run_id: id } = await reply.clone().json();
        if (given[0]) await fetched(`/api/runs/${id}/stop`, options);
        const text = (css) => document.querySelector(css).textContent;
        while (!(given[0] || text('#permalink') === id) || !text(given[1]).match(given[2])) await pause(20);
        setTimeout(() => { window.replied = true; }, 200);
        return reply;
    };
})(...arguments)"""


def start_with_a_reply_that_comes_after(page, selector, pattern, *, stop=False):
    page.choose("task", "batch")
    page.js(SLOW_REPLY, stop, selector, pattern)
    page.one("#start").click()
    until(lambda: page.js("window.replied === true"), "the reply to the start")


def test_a_run_whose_end_beat_the_reply_to_its_start_is_not_starting_for_ever(page):
    page.open()
    start_with_a_reply_that_comes_after(page, "#phase", ENDED)
    assert re.search(ENDED, page.text("#phase"))
    assert not page.one("#elsewhere").is_displayed()
    assert page.text("#start-hint") == ""


def test_a_refusal_that_beat_the_reply_to_the_start_is_shown(page):
    page.open()
    start_with_a_reply_that_comes_after(page, "#elsewhere", "could not begin", stop=True)
    assert page.text("#elsewhere").startswith("The run could not begin: interrupted before the load began")
    assert page.one("#elsewhere").is_displayed()
    assert page.text("#start-hint") == ""


REFUSED_STOP = """(() => {
    const fetched = window.fetch;
    window.fetch = async (path, options) => (path.endsWith('/stop')
        ? new Response('{"error": "not today"}', { status: 403 }) : fetched(path, options));
})()"""


def test_a_stop_that_is_refused_says_so_beside_the_button_on_a_phone_too(page, agent):
    page.size(390, 740, phone=True)
    agent.run(**LONG)
    page.open()
    page.wait_text("#phase", "measuring")
    assert not page.one("#form").is_displayed()
    page.js(REFUSED_STOP)
    page.one("#stop").click()
    page.wait_text("#run-refusal", "The run was not stopped: not today")
    assert page.one("#run-refusal").is_displayed()
    assert page.text("#stop") == "Stop"


STATE_OF_A_RUN_THAT_HAS_NOT_BEGUN = """(() => {
    const fetched = window.fetch;
    window.fetch = async (path, options) => {
        const reply = await fetched(path, options);
        if (path !== '/api/state') return reply;
        const running = { run_id: 'never-begun', scenario: 'task', since: '' };
        return new Response(JSON.stringify({ ...await reply.json(), running }));
    };
    window.honest = () => { window.fetch = fetched; };
})()"""
CONNECT_ANEW = "['pagehide', 'pageshow'].forEach((name) => dispatchEvent(new Event(name)))"


def test_a_run_that_never_began_is_not_starting_for_ever(own_page):
    own_page.open()
    own_page.js(STATE_OF_A_RUN_THAT_HAS_NOT_BEGUN)
    own_page.js(CONNECT_ANEW)
    own_page.wait_text("#empty", "never-begun is starting")
    own_page.js("window.honest()")
    own_page.js(CONNECT_ANEW)
    own_page.wait_text("#empty", "No run yet")


UNAUTHORISED = r"Failed to load resource: the server responded with a status of 401"


def test_the_token_leaves_the_address_and_without_it_the_page_says_how_to_get_one(own_page):
    own_page.expected = [UNAUTHORISED, NO_RESULT]
    own_page.driver.get(own_page.agent.url)
    until(lambda: own_page.one("#token").is_displayed(), "the field for a token")
    own_page.wait_text("#connection", "this needs the agent's token")
    assert "make open" in own_page.text("#token-hint")
    own_page.fill("token", "guessed\n")
    until(lambda: own_page.one("#token").get_attribute("value") == "", "the token to be taken")
    own_page.wait_text("#connection", "this needs the agent's token")
    own_page.fill("token", f"{own_page.agent.token}\n")
    own_page.wait_text("#connection", "^connected$")
    assert not own_page.one("#token").is_displayed()
    own_page.open("#run=nothing")
    assert own_page.js("location.hash") == "#run=nothing"
    own_page.choose("task", "batch")
    own_page.one("#start").click()
    own_page.wait_text("#phase", ENDED)
    assert own_page.js("location.hash") == ""


def test_a_page_whose_agent_has_a_new_token_asks_for_it(own_page):
    own_page.expected = [UNAUTHORISED, LOST]
    own_page.open()
    own_page.agent.kill()
    own_page.agent.start(LOADLAB_TOKEN="another")
    own_page.wait_text("#connection", "this needs the agent's token")
    own_page.fill("token", "another\n")
    own_page.wait_text("#connection", "^connected$")


def test_a_phone_is_wide_enough_and_opens_on_the_run(page, agent):
    page.size(360, 740, phone=True)
    agent.run(**LONG)
    page.open()
    page.wait("#stages li[data-state=running]")
    widths = "[document.documentElement.scrollWidth, window.innerWidth]"
    assert page.js(widths) == [360, 360]
    assert not page.one("#form").is_displayed()
    agent.quiet()
    page.wait_text("#phase", ENDED)
    page.wait("#table table")
    page.one("#new summary").click()
    page.one("#checks summary").click()
    assert page.js(widths) == [360, 360]


def test_page_and_charts_follow_the_dark_scheme(page, agent):
    agent.run(scenario="task", workload="batch", requests="10,20")
    page.open()
    page.wait_text("#phase", ENDED)
    page.wait("#sweep canvas, #sweep .plot > *")
    ground = "getComputedStyle(document.body).backgroundColor"
    ink = "Bokeh.documents[0].roots()[0].below[0].major_label_text_color"
    light = page.js(ground), page.js(ink)
    page.media(scheme="dark")
    until(lambda: page.js(ink) != light[1], "the charts in dark")
    assert page.js(ground) != light[0]


def test_one_follower_too_many_is_told_so_in_the_agents_words(own_page):
    own_page.expected = [r"/api/events - Failed to load resource: the server responded with a status of 503"]
    with contextlib.ExitStack() as followers:
        for _ in range(MOST_FOLLOWERS):
            followers.enter_context(urllib.request.urlopen(own_page.agent.asked("api/events"), timeout=10))
        own_page.driver.get(own_page.address)
        own_page.wait_text("#connection", "32 follow already")
    own_page.wait_text("#connection", "^connected$")


def test_pages_that_were_left_hold_none_of_the_six_connections_that_a_browser_has(page):
    for _ in range(7):
        page.open()
