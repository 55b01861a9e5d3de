"""The charts: their axes, and what they are drawn from, however long a run and late a page."""

import msgspec
import pytest

from loadlab.results.result import (
    Counts,
    SliceResult,
    Theory,
)
from loadlab.workload.plan import Stage
from support.browsing import import_of, module_says, until
from support.fakes import plan
from support.results import NOTHING
from support.results import result as a_result
from support.results import stage as a_stage

pytestmark = [pytest.mark.browser, pytest.mark.real]


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
        const run = begin({ run_id: 'a', plan, environment: {} });
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
