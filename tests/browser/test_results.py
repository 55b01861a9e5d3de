"""Earlier runs on the page, and its modules where they must agree with the lab's own."""

import json

import msgspec
import pytest

from loadlab.analysis import judge_run
from loadlab.analysis.judge_stage import CLIENT_LIMIT_CHECKS, NO_BOUND_SHARE_CHECKS, SHORTAGES
from loadlab.analysis.together import Told, together
from loadlab.results.result import (
    Check,
    CheckOutcome,
    Counts,
    Finding,
    SliceResult,
    State,
    Theory,
    Verdict,
    encode,
)
from loadlab.targets import App
from loadlab.terminal.table import reasons
from loadlab.units import format_number, show_ns
from loadlab.workload.plan import Request, Stage
from support.browsing import until
from support.fakes import plan
from support.results import NOTHING
from support.results import result as a_result
from support.results import stage as a_stage

pytestmark = [pytest.mark.browser, pytest.mark.real]

SENTENCE = "one event loop is at 100% of a core: <img src=x onerror=alert(1)> use SCENARIO=pool"


def import_of(module, name):
    return f"(await import('/static/{module}.js')).{name}"


def module_says(page, expression, *args):
    script = f"const done = arguments[arguments.length - 1]; (async () => ({expression}))().then(done)"
    return page.driver.execute_async_script(script, *args)


def limited_by_the_client(run_id):
    """Return a run whose second of two stages was the client's limit."""
    slices = tuple(
        SliceResult(at_ns=at, count=100, errors=0, p50=20_000_000, p99=None, in_flight=2.0)
        for at in (0, 1_000_000_000)
    )
    common = {
        "window_ns": 2_000_000_000,
        "counts": Counts(scheduled=200, ok=200),
        "slices": slices,
        "latency_ns": msgspec.structs.replace(NOTHING, count=200, p50=20_000_000, p95=30_000_000),
        "theory": Theory(service_ns=20e6, bound_hz=400.0, bound_ratio=0.25),
    }
    finding = Finding("client_cpu", SENTENCE)
    check = Check(
        name="client_cpu", stage="8", metric="busiest worker", operator="<=", limit=0.9, actual=1.0,
        unit="cores", outcome=CheckOutcome.FAIL, message=SENTENCE,
    )  # fmt: skip
    return a_result(
        run_id=run_id,
        verdict=Verdict.INVALID,
        plan=msgspec.structs.replace(plan(), stages=(Stage(concurrency=1), Stage(concurrency=8))),
        checks=(check,),
        stages=(
            a_stage(throughput_hz=100.0, **common),
            a_stage(
                label="8",
                concurrency=8,
                throughput_hz=150.0,
                state=State.INVALID,
                findings=(finding,),
                **common,
            ),
        ),
    )


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
    page.expected = [r"result\.json - Failed to load resource: the server responded with a status of 404"]


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


def test_what_the_client_limited_is_at_least_and_never_the_targets(page, agent):
    run_id = "20261101-090000-task-bbbb"
    agent.keep(limited_by_the_client(run_id))
    page.open(f"#run={run_id}")
    page.wait_text("#phase", "INVALID")
    first, second = (row.text.split() for row in page.all("#table tbody tr"))
    assert "25%" in first
    assert second[0] == "!8"
    assert "≥150" in second
    assert second[-1] == "–"
    assert page.figure("throughput") == "100", "the figures are of the stage that is the target's"
    assert "at least" in page.text("#sweep figure .legend")
    assert page.js("document.querySelector('#stages li:last-child .word').textContent") == "! ≥150/s"


def test_a_share_of_the_bound_that_is_left_open_has_its_reason(page, agent):
    run_id = "20261101-110000-task-eeee"
    unsure = Theory(service_ns=20e6, bound_hz=400.0, bound_ratio=None)
    agent.keep(a_result(run_id=run_id, stages=(a_stage(theory=unsure),)))
    page.open(f"#run={run_id}")
    page.wait_text("#phase", "PASS")
    assert page.text("#table tbody td:last-child") == "–"
    assert "of it –: too few requests beside those in flight" in page.text("#table")


def test_sentences_are_text_and_never_markup(page, agent):
    run_id = "20261101-100000-task-cccc"
    agent.keep(limited_by_the_client(run_id))
    page.open(f"#run={run_id}")
    page.wait_text("#phase", "INVALID")
    assert f"stage 8: {SENTENCE}" in page.text("#verdict .why")
    assert SENTENCE in page.text("#checks")
    assert page.all("main img") == []


def test_numbers_are_written_as_the_terminal_writes_them(page):
    page.open()
    values = [0, 0.004, 0.0994, 0.0996, 1, 9.994, 9.996, 12.34, 99.94, 99.96, 631.4, 1590, 117_856.2, None]
    assert module_says(page, f"arguments[0].map({import_of('units', 'figure')})", values) == [
        format_number(value) for value in values
    ]
    spans = [0, 17, 999, 1_000, 999_600, 2_500_000, 101_234_567, 1_270_000_000, 61e9, None]
    assert module_says(page, f"arguments[0].map({import_of('units', 'showSpan')})", spans) == [
        show_ns(value) for value in spans
    ]


@pytest.mark.parametrize(
    ("start", "end", "most", "labels"),
    [
        (0, 0.0045, 5, ["0.000", "0.001", "0.002", "0.003", "0.004"]),
        (0, 0.9, 5, ["0.0", "0.2", "0.4", "0.6", "0.8"]),
        (0, 4.1, 5, ["0", "1", "2", "3", "4"]),
        (0, 12.5, 6, ["0", "5", "10"]),
        (0, 250_000, 5, ["0", "50,000", "100,000", "150,000", "200,000", "250,000"]),
        (-3, 97, 5, ["0", "20", "40", "60", "80"]),
        (1, 1, 5, []),
    ],
)
def test_an_axis_names_steps_of_1_2_or_5_in_full(page, start, end, most, labels):
    page.open()
    made = module_says(page, f"{import_of('ticks', 'ticks')}(...arguments[0])", [start, end, most])
    assert [each["label"] for each in made] == labels
    assert [each["at"] for each in made] == [float(label.replace(",", "")) for label in labels]


def test_the_charts_of_a_run_of_microseconds_and_of_fractions_of_a_second_have_readable_axes(page, agent):
    run_id = "20261101-130000-task-abcd"
    quick = msgspec.structs.replace(NOTHING, count=200, p50=2_000, p95=3_000, p99=4_000)
    slices = (SliceResult(at_ns=0, count=100, errors=0, p50=2_000, p99=4_000, in_flight=2.0),)
    two = [
        a_stage(
            label=str(users), concurrency=users, window_ns=900_000_000, latency_ns=quick, slices=slices,
            counts=Counts(scheduled=200, ok=200), throughput_hz=100.0 * users,
            theory=Theory(service_ns=20e6, bound_hz=100.0 * users, bound_ratio=1.0),
        )
        for users in (1, 2)
    ]  # fmt: skip
    stages = tuple(Stage(concurrency=users) for users in (1, 2))
    agent.keep(
        a_result(run_id=run_id, plan=msgspec.structs.replace(plan(), stages=stages), stages=tuple(two))
    )
    page.open(f"#run={run_id}")
    page.wait("#time .plot[role=img]")
    axes = """Bokeh.documents.map((document) => document.roots()[0]).map(({ left, below }) => (
        [left[0], below[0]].map((axis) => [...axis.major_label_overrides.values()])))"""
    until(lambda: len(page.js(axes)) >= 5, "the charts")
    for up, across in page.js(axes):
        assert len(set(up)) == len(up) >= 2, up
        assert all(len(label) < 9 for label in (*up, *across)), (up, across)
    drawn = "Bokeh.documents[0].roots()[0].renderers.map(({ glyph }) => glyph.y?.field)"
    order = [field for field in page.js(drawn) if field in ("throughput", "own_throughput", "bound")]
    assert order[-1] == "bound", "it lies on the curve and not below"


def test_the_page_knows_which_checks_are_of_the_clients_own_limits_and_which_are_open_questions(page):
    page.open()
    assert set(module_says(page, import_of("words", "CLIENT_LIMIT_CHECKS"))) == CLIENT_LIMIT_CHECKS
    assert set(module_says(page, import_of("words", "NO_BOUND_SHARE_CHECKS"))) == NO_BOUND_SHARE_CHECKS
    assert set(module_says(page, import_of("words", "SHORTAGES"))) == SHORTAGES
    assert set(module_says(page, import_of("words", "UNJUDGED"))) == judge_run.UNJUDGED
    assert set(module_says(page, import_of("words", "REASONS"))) == CLIENT_LIMIT_CHECKS | judge_run.FAILING


def told(result):
    """Return a result as the page gets it."""
    return json.loads(encode(result))


def test_a_verdict_has_the_same_name_as_in_the_terminal(page):
    page.open()
    results = [
        a_result(verdict=verdict, interrupted=interrupted, stages=(a_stage(state=state),))
        for verdict in Verdict
        for interrupted in (False, True)
        for state in (State.VALID, State.SUSPECT)
    ]
    assert module_says(
        page, f"arguments[0].map({import_of('words', 'headline')})", [told(each) for each in results]
    ) == [
        judge_run.headline(
            each.verdict, stopped=each.interrupted, suspect=each.stages[0].state is State.SUSPECT
        )
        for each in results
    ]


def test_the_same_finding_of_several_stages_is_told_once_as_in_the_terminal(page):
    page.open()
    sentences = [
        Told("lag", "1", "1 ms late"),
        Told("places", "1", "full"),
        Told("lag", "8?", "9 ms late"),
        Told("lost", "8?", "shard 0"),
        Told("lost", "8?", "shard 1"),
        Told("places", "32", "full"),
    ]
    assert module_says(
        page,
        f"{import_of('words', 'together')}(arguments[0])",
        [each._asdict() for each in sentences],
    ) == together(sentences)


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


LAG = Check(
    name="lag", stage="1", metric="p99 of sent - due, without the wait for a place in flight", operator="<=",
    limit=3_740_000, actual=149_000_000, unit="ns", outcome=CheckOutcome.FAIL,
    message="the client sent 1 % of requests over 149 ms late (limit 3.74 ms: 5 % of p50, at least 1 ms)",
)  # fmt: skip


def test_replies_that_all_failed_are_not_called_the_targets_throughput(page, agent):
    run_id = "20261101-140000-task-dddd"
    failed = {"counts": Counts(scheduled=20, http_error=20), "throughput_hz": 900.0}
    two = tuple(Stage(concurrency=users) for users in (1, 8))
    stages = (a_stage(throughput_hz=10.0), a_stage(label="8", concurrency=8, **failed))
    agent.keep(a_result(run_id=run_id, plan=msgspec.structs.replace(plan(), stages=two), stages=stages))
    page.open(f"#run={run_id}")
    page.wait_text("#figures-of", "Stage of 1 user: the most throughput that is the target's")
    assert page.figure("throughput") == "10.0"
    assert "best 10.0/s" in page.text(f"#runs a[data-run='{run_id}']")


@pytest.mark.parametrize("width", [1400, 820, 390])
def test_a_check_is_read_without_scrolling_and_its_times_have_a_unit(page, agent, width):
    run_id = f"20261101-1500{width:04}-task-cccc"
    cpu = msgspec.structs.replace(LAG, name="client_cpu", limit=0.9, actual=None, unit="cores")
    files = msgspec.structs.replace(LAG, name="open_files", limit=0, actual=1_200, unit="connections")
    agent.keep(a_result(run_id=run_id, checks=(LAG, cpu, files)))
    page.size(width, 900, phone=width < 500)
    page.open(f"#run={run_id}")
    page.wait_text("#phase", "PASS")
    page.one("#checks summary").click()
    measured = [cell.text for cell in page.all("#checks .measured")]
    assert measured[0].endswith("in flight: 149 ms, limit at most 3.74 ms")
    assert measured[1].endswith("in flight: –, limit at most 0.90 cores")
    assert measured[2].endswith("in flight: 1,200, limit at most 0 connections")
    fits = "((box) => [box.scrollWidth, box.clientWidth])(document.querySelector('#checks .scroll'))"
    scrolled, seen = page.js(fits)
    assert scrolled <= seen
    assert page.all("#checks .words")[0].size["width"] > 200


def test_a_lost_target_has_the_same_reasons_as_in_the_terminal(page):
    page.open()
    checks = tuple(
        Check(
            name=name, stage=stage, metric="it", operator="<=", limit=0, actual=1, unit="times",
            outcome=CheckOutcome.FAIL, message=f"{name} of {stage}",
        )
        for name, stage in (
            ("target", None), ("lag", "1"), ("lag", "8"), ("errors", "8"), ("open_files", "8"),
        )
    )  # fmt: skip
    for lost in (None, "Connection refused"):
        of = a_result(
            checks=checks,
            stages=(a_stage(), a_stage(label="8")),
            target_lost=lost,
            verdict=Verdict.INVALID,
        )
        assert module_says(page, f"{import_of('words', 'reasons')}(arguments[0])", told(of)) == reasons(of)


def test_a_run_that_failed_gives_its_reason_once_and_the_statuses_that_came(page, agent):
    run_id = "20261101-120000-task-ffff"
    sentence = "50 % of 20 requests failed"
    check = Check(
        name="errors", stage="1", metric="requests", operator="<=", limit=0.01, actual=0.5,
        unit="of the requests", outcome=CheckOutcome.FAIL, message=sentence,
    )  # fmt: skip
    stage = a_stage(
        counts=Counts(scheduled=20, ok=10, http_error=10),
        statuses={"302": 10, "401": 10},
        findings=(Finding("errors", sentence),),
    )
    agent.keep(a_result(run_id=run_id, verdict=Verdict.FAIL, checks=(check,), stages=(stage,)))
    page.open(f"#run={run_id}")
    page.wait_text("#phase", "FAIL")
    assert page.text("#verdict .why") == f"stage 1: {sentence}"
    assert page.text("#verdict").count(sentence) == 1
    assert page.one("#stages li").get_attribute("data-state") == "failed", "however well it was measured"
    assert "10 http error; 10 × status 302, 10 × status 401" in page.text("#verdict .besides")


def test_a_pass_of_which_something_could_not_be_judged_says_so(page, agent):
    run_id = "20261101-100000-task-dddd"
    sentence = "stage 1: nothing could tell whether the client was the limit (too short)"
    check = Check(
        name="client_judged", metric="stages", operator="==", limit=0, actual=1, unit="stages",
        outcome=CheckOutcome.UNTESTABLE, message=sentence,
    )  # fmt: skip
    agent.keep(a_result(run_id=run_id, checks=(check,)))
    page.open(f"#run={run_id}")
    page.wait_text("#phase", "PASS")
    assert "not everything could be judged" in page.text("#verdict")
    assert page.text("#verdict .why") == sentence


A_LONG_RUN = """(async () => {
    const { Series } = await import('/static/series.js');
    const series = new Series(['t', 'achieved', 'errors', 'p99', 'queue'], ['achieved']);
    const spike = (t, at) => (t === at ? 900 : 100);
    for (let t = 0; t < 50_000; t += 1) {
        const spikes = { errors: spike(t, 7), p99: spike(t, 31_415), queue: spike(t, 31_416) };
        series.push({ t, achieved: t % 2 * 200, ...spikes });
    }
    const { t, achieved, ...others } = series.columns();
    return {
        rows: t.length,
        highest: Object.values(others).map((column) => Math.max(...column)),
        inOrder: t.every((at, i) => i === 0 || at > t[i - 1]),
        last: t.at(-1),
        rates: achieved.slice(0, 400), // the latest may not have been thinned yet
    };
})()"""


def test_memory_has_a_bound_spikes_are_kept_and_a_rate_is_no_higher_than_it_was(page):
    page.open()
    told = module_says(page, A_LONG_RUN)
    assert told["rows"] <= 1_000
    assert told["highest"] == [900, 900, 900]
    assert (told["inOrder"], told["last"]) == (True, 49_999)
    assert all(abs(rate - 100) < 5 for rate in told["rates"])


A_LATE_PAGE = """(async () => {
    const { apply, begin } = await import('/static/run.js');
    const S = 1e9;
    const plan = {
        scenario: 'task', workload: 'closed', warmup_ns: 2 * S,
        stages: [{ concurrency: 1 }, { concurrency: 8 }],
    };
    const slices = [...Array(10).keys()].map((at) => ({
        at_ns: at * S, count: 50, errors: at === 3 ? 5 : 0, p50: 20e6, p99: null, in_flight: 1,
    }));
    const ticks = (index) => [...Array(25).keys()].map((half) => ({
        type: 'Tick', index, phase: half < 4 ? 'warm-up' : half < 24 ? 'measuring' : 'draining',
        at_ns: (half + 1) * S / 2 + 7, rate_hz: 50, errors: half > 11 ? 5 : 0,
        errors_hz: half === 11 || half === 12 ? 5 : 0, p50_ns: 20e6, p95_ns: null, p99_ns: null, in_flight: 1,
    }));
    const stage = (index) => [
        { type: 'StageBegan', index },
        ...ticks(index),
        { type: 'StageEnded', index, result: { window_ns: 10 * S, rate_hz: null, slices } },
    ];
    const told = [...stage(0), ...stage(1)];
    const last = (event, at) => told[at + 1]?.type === 'StageEnded';
    const fold = (events) => {
        const run = begin({ run_id: 'a', plan, where: null });
        for (const event of events) apply(run, event);
        const { t, achieved, errors } = run.series.columns();
        const first = t.slice(0, t.findIndex(Number.isNaN));
        return {
            marks: run.marks.map(({ at }) => at), warmups: run.warmups, offset: run.offset_ns,
            first: [first[0], first.at(-1)], rows: first.length,
            inOrder: first.every((at, i) => !i || at >= first[i - 1]),
            achieved: achieved[0], errors: Math.max(...errors.slice(0, first.length - 1)),
        };
    };
    const late = told.filter((event, at) => event.type !== 'Tick' || last(event, at) || at > 35);
    return [fold(told), fold(late)];
})()"""


def test_a_page_that_comes_late_has_every_stage_at_the_same_place_and_its_seconds_where_ticks_are_gone(page):
    page.open()
    there, late = module_says(page, A_LATE_PAGE)
    for same in ("marks", "warmups", "offset"):
        assert late[same] == there[same]
    assert there["marks"][1] > 12, "the drain of a stage counts"
    assert (there["rows"], there["first"][0]) == (25, pytest.approx(0.5))
    assert (late["rows"], late["first"][0]) == (2 * 10 + 1, 2)
    assert late["first"][1] == there["first"][1]
    assert late["inOrder"]
    assert (late["achieved"], late["errors"]) == (50, 5)
