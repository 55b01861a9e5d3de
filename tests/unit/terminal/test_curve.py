"""A sweep's picture, as text: what stands where, what is never claimed, and that it fits."""

import io

import pytest
from rich.console import Console

from loadlab.results.result import Counts, Distribution, Finding, State, Theory
from loadlab.terminal.curve import curve
from loadlab.workload.plan import Stage
from loadlab.workload.traits import Workload
from support.fakes import plan
from support.results import result, stage

MS = 1_000_000
OWN = (Finding("client_cpu", "one event loop is at 100% of a core"),)


def latency(p50_ms, p99_ms):
    return Distribution(
        count=9,
        mean=1.0,
        p50=p50_ms and round(p50_ms * MS),
        p90=None,
        p99=p99_ms and round(p99_ms * MS),
        p999=None,
        max=None,
    )


def at(users, rate_hz, p50_ms=100, p99_ms=150, bound_hz=None, **changed):
    return stage(
        label=str(users),
        concurrency=users,
        throughput_hz=rate_hz,
        latency_ns=latency(p50_ms, p99_ms),
        theory=bound_hz and Theory(service_ns=1e8, bound_hz=bound_hz),
        **changed,
    )


SWEEP = (
    at(1, 10, 102, None, 9.9),
    at(8, 80, 102, 103, 79),
    at(32, 313, 103, 112, 315),
    at(128, 636, 203, 217, 631),
)


def lines(stages, width=80, *, ascii_only=False, **changed):
    made = curve(result(stages=stages, **changed))
    assert made is not None
    return [line.plain for line in made.lines(width, ascii_only=ascii_only)]


def rates(stages, **given):
    """Return the left panel, of a terminal that is wide enough for two."""
    return [line[:39] for line in lines(stages, **given)]


def latencies(stages, **given):
    return [line[41:] for line in lines(stages, **given)]


def test_a_sweep_is_drawn_as_rate_and_latency_against_users():
    assert lines(SWEEP) == [
        "rate per second  ● measured  ╌ bound     latency in ms  ● p50  ○ p99",
        "800┤                                     250┤",
        "   │                               ╌╌●╌     │                               ⡠⣒◉",
        "   │                             ⢀⠤⠊        │                            ⣀⣔⠝⠊",
        "400┤                          ⢀⡠⠒⠁       125┤                         ⢀⣔⠞⠊",
        "   │                      ╌╌●╌╌             │ ●⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤◉⠤⠤⠤⠤⠶⠶⠶⠶◉⠋",
        "   │                    ⡠⠤⠊⠉                │",
        "   │                ⡠⠤⠊⠉                    │",
        "  0┤╌●╌╌⠤⠤⠤⠤⠒⠒⠒⠒⠒╌╌●╌╌                     0┤",
        "   └─┬─────────────┬────────┬────────┬─     └─┬─────────────┬────────┬────────┬─",
        "     1             8       32       128       1             8       32       128",
        "                users (log)                              users (log)",
    ]


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("width", [60, 66, 75, 76, 80, 100, 200])
def test_it_fits_into_any_width_from_60_columns(width, ascii_only):
    drawn = lines(SWEEP, width, ascii_only=ascii_only)
    assert all(len(line) <= width for line in drawn)
    for label in ("1", "8", "32", "128"):
        assert any(label in line.split() for line in drawn)


def test_a_terminal_too_narrow_for_two_panels_has_one_below_the_other():
    drawn = lines(SWEEP, 60)
    assert [
        index for index, line in enumerate(drawn) if "rate per second" in line or "latency in" in line
    ] == [
        0,
        10,
    ]


def test_without_utf_8_all_of_it_is_ascii():
    stages = (*SWEEP[:3], at(128, 400, 203, 217, 631, state=State.INVALID, findings=OWN))
    drawn = lines(stages, ascii_only=True)
    assert all(line.isascii() for line in drawn)


def test_what_the_client_limited_is_at_least_its_rate_and_no_line_leads_there():
    stages = (at(1, 100), at(2, 200), at(3, 600, 300, 400, state=State.INVALID, findings=OWN))
    drawn = rates(stages)
    (row,) = [line for line in drawn[1:9] if "≥" in line]
    assert row.split("┤")[1].strip() == "≥", "it stands alone in its row"
    assert "!3" in " ".join(drawn)
    assert sum(line.count("●") for line in drawn) == 1 + 2, "the legend's and the two of the target"
    assert sum(line.count("!") for line in latencies(stages)[:9]) == 2, "its p50 and its p99"
    beside = [line[25:] for line in drawn[1:9]]
    assert not any("⠀" < character <= "⣿" for line in beside for character in line)


def test_a_stage_that_lost_a_worker_stands_apart_but_is_not_called_the_clients_limit():
    lost = at(3, 150, state=State.INVALID, findings=(Finding("worker_lost", "it was killed"),))
    drawn = lines((at(1, 100), at(2, 200), lost))
    assert "!3" in " ".join(drawn)
    assert not any("≥" in line for line in drawn)


def test_a_suspect_stage_is_a_question_mark():
    stages = (at(1, 100), at(2, 200, state=State.SUSPECT), at(3, 300))
    assert any("?" in line for line in rates(stages)[1:9])
    assert "?2" in " ".join(lines(stages))


def test_the_bound_is_a_dash_where_it_is_known_and_nowhere_else():
    drawn = rates((at(1, 100, bound_hz=100), at(2, 200), at(3, 300, bound_hz=310)))
    assert "╌ bound" in drawn[0]
    assert sum(line.count("╌") for line in drawn[1:]) in range(4, 9)
    assert not any("╌" in line for line in lines((at(1, 100), at(2, 200))))


def test_a_bound_far_above_the_curve_does_not_press_it_flat():
    drawn = rates((at(1, 100), at(2, 200, bound_hz=50_000)))
    assert drawn[1].startswith("200┤")
    assert "bound" not in drawn[0]


def test_a_quantile_that_cannot_be_told_is_a_gap_in_its_line():
    drawn = latencies((at(1, 1, 100, 200), at(2, 1, 100, None), at(3, 1, 100, 200)))
    top = drawn[1]
    assert top.count("○") == 2
    assert top.replace("○", "").split("┤")[1].strip() == ""


def test_p50_and_p99_in_one_place_are_both_seen():
    assert any("◉" in line for line in latencies((at(1, 1, 100, 101), at(2, 1, 100, 101))))


def test_steps_that_grow_by_ratios_get_a_logarithmic_axis_and_even_ones_do_not():
    assert "users (log)" in " ".join(lines(SWEEP))
    assert "(log)" not in " ".join(lines((at(10, 1), at(20, 2), at(30, 3))))


def test_latencies_that_are_far_apart_get_a_logarithmic_axis_that_says_so():
    drawn = latencies((at(1, 1, 1, 2), at(2, 1, 1, 500)))
    assert drawn[0].endswith("(log)")
    assert drawn[1].strip().startswith("500┤")


def named_beside(stages, width=80):
    """Return the labels of the latency panel, the lowest first."""
    return [line.split("┤")[0].strip() for line in reversed(latencies(stages, width=width)) if "┤" in line]


@pytest.mark.parametrize(
    ("p50_ms", "p99_ms", "beside"),
    [
        (2, 80, ["2", "10", "100"]),
        (21, 570, ["20", "100", "1,000"]),
        (1, 1000, ["1", "10", "100", "1,000"]),
        (0.0004, 7000, ["0.0002", "0.1", "100", "10,000"]),
    ],
)
def test_beside_a_logarithmic_axis_stand_steps_of_1_2_5_or_powers_of_ten(p50_ms, p99_ms, beside):
    assert named_beside((at(1, 1, p50_ms, p99_ms), at(2, 1, p50_ms, p99_ms))) == beside


@pytest.mark.parametrize(
    ("p99_ms", "beside"),
    [(0.0042, ["0", "0.0025", "0.005"]), (0.0009, ["0", "0.0005", "0.001"]), (240, ["0", "125", "250"])],
)
def test_what_stands_beside_an_axis_is_written_in_full(p99_ms, beside):
    assert named_beside((at(1, 1, p99_ms, p99_ms), at(2, 1, p99_ms, p99_ms))) == beside


def test_many_steps_leave_labels_out_but_never_cut_one_nor_lose_the_last():
    users = range(1000, 1400, 10)
    (labelled,) = [line for line in lines([at(n, n) for n in users], 60) if "1390" in line][:1]
    assert set(labelled.split()) <= {str(n) for n in users}
    assert {"1000", "1390"} <= set(labelled.split())


def test_stages_in_any_order_are_drawn_by_their_size():
    assert lines(tuple(reversed(SWEEP))) == lines(SWEEP)


def test_an_open_sweep_is_drawn_against_what_is_offered():
    stages = [
        stage(label=f"{hz:g}", concurrency=None, rate_hz=hz, throughput_hz=hz, latency_ns=latency(1, 2))
        for hz in (100.0, 200.0, 300.0)
    ]
    opened = plan(workload=Workload.OPEN, stages=(Stage(rate_hz=100.0),))
    assert "arrivals/s" in " ".join(lines(stages, plan=opened))


def test_batches_are_drawn_against_their_size():
    stages = [stage(label=str(n), concurrency=None, requests=n, throughput_hz=n) for n in (10, 100)]
    batch = plan(workload=Workload.BATCH, stages=(Stage(requests=10),), duration_ns=None)
    assert "requests" in " ".join(lines(stages, plan=batch))


@pytest.mark.parametrize(
    "stages",
    [
        (),
        (at(8, 80),),
        (at(8, 80), at(8, 81)),
        (stage(label="1:9", concurrency=None, rate_hz=1.0, rate_to_hz=9.0),) * 2,
        (at(1, 0, counts=Counts(scheduled=9)), at(8, 0, counts=Counts(scheduled=9))),
    ],
    ids=["nothing", "one stage", "the same twice", "ramps", "not a single ok"],
)
def test_what_is_no_sweep_has_no_curve(stages):
    assert curve(result(stages=stages)) is None


def test_a_console_draws_it_as_wide_as_it_is():
    out = io.StringIO()
    Console(file=out, width=60).print(curve(result(stages=SWEEP)))
    assert max(len(line) for line in out.getvalue().splitlines()) <= 60
