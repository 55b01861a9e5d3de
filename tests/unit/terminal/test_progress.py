"""What is shown while a run goes on, as text of a fixed width."""

import io

import pytest
from rich.console import Console

from loadlab.clock import NS_PER_S
from loadlab.results.events import Noted, RunBegan, RunEnded, StageBegan, StageEnded, Tick
from loadlab.results.result import Counts, Distribution, Finding, State
from loadlab.terminal import PlainLines, Quiet, Screen, is_screen, watcher
from loadlab.terminal.live_view import LiveView, sparkline
from loadlab.terminal.run_state import RunState
from loadlab.workload.plan import Stage
from loadlab.workload.traits import Workload
from support.fakes import FakeClock, plan
from support.results import environment, result, stage

MS = 1_000_000
SWEEP = plan(stages=tuple(Stage(concurrency=n) for n in (1, 8, 10_000)), duration_ns=10 * NS_PER_S)
BEGAN = RunBegan("id", environment(), SWEEP)
LARGE = Distribution(
    count=9, mean=1.0, p50=1_234 * MS, p90=None, p95=2_345 * MS, p99=9_876 * MS, p999=None, max=None
)


def tick(index=1, **changed):
    values = {
        "index": index,
        "phase": "measuring",
        "fraction": 0.5,
        "finished": 10,
        "rate_hz": 313.0,
        "in_flight": 8,
        "p50_ns": 102 * MS,
        "p95_ns": 103 * MS,
        "p99_ns": 112 * MS,
        "errors": 0,
    }
    return Tick(**values | changed)


def shown(*events, width=80, height=24, encoding="utf-8"):
    """Return what the screen would hold after these events, without blanks at the ends of lines."""
    standing = RunState()
    for event in (BEGAN, *events):
        standing.take(event)
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="replace")
    Console(file=out, width=width, height=height).print(LiveView(standing))
    out.flush()
    return [line.rstrip() for line in out.buffer.getvalue().decode(encoding).splitlines()]


def row(lines, label):
    (only,) = [line for line in lines if line.split()[:1] == [label]]
    return only


# --- the view ---


def test_each_stage_has_a_row_from_the_start():
    lines = shown()
    assert lines[0].split() == ["users", "rate", "in", "flight", "p50", "p95", "p99", "errors"]
    assert [line.split()[0] for line in lines[2:]] == ["1", "8", "10000"]


def test_a_stage_that_begins_says_so_until_its_first_tick():
    assert "starting" in row(shown(StageBegan(1)), "8")
    assert "starting" not in row(shown(StageBegan(1), tick(1)), "8")


def test_the_row_that_runs_shows_the_last_second():
    figures = row(shown(StageBegan(1), tick(1, errors=3)), "8").split()
    assert figures[-6:] == ["313", "8", "102", "103", "112", "3"]


def test_a_finished_row_shows_the_result_with_its_marks():
    own = (Finding("client_cpu", "full"),)
    made = stage(label="8", throughput_hz=500.0, in_flight_mean=7.9, state=State.INVALID, findings=own)
    figures = row(shown(StageBegan(1), tick(1), StageEnded(1, made)), "!8").split()
    assert figures[-6:] == ["≥500", "7.90", "–", "–", "–", "0"]
    suspect = stage(label="8", state=State.SUSPECT)
    assert row(shown(StageEnded(1, suspect)), "?8")


def test_below_the_rows_stand_phase_rate_and_the_rates_course():
    lines = shown(StageBegan(1), *(tick(1, rate_hz=hz) for hz in (0.0, 100.0, 200.0, 400.0)))
    assert lines[-1] == "measuring  ▂▄█ 400/s"


def test_an_open_stage_says_what_is_offered_and_what_was_dropped():
    lines = shown(StageBegan(1), tick(1, offered_hz=500.0, dropped=1_200))
    assert lines[-1].endswith(" 313/s of 500/s offered, 1,200 dropped")


def test_the_targets_threads_are_shown_where_it_tells_them():
    known = tick(1, busy_threads=32.0, slots=64, thread_queue=5.0)
    assert shown(StageBegan(1), known)[-1] == "target: 32 of 64 threads busy, 5 waiting"
    unlimited = tick(1, busy_threads=32.0)
    assert shown(StageBegan(1), unlimited)[-1] == "target: 32 threads busy"
    assert not any("target" in line for line in shown(StageBegan(1), tick(1)))


def test_the_clients_cpu_is_shown_where_it_matters():
    def last(*cores):
        return shown(StageBegan(1), tick(1, client_cpu=cores))[-1]

    assert "client" not in last(0.3, None)
    assert last(0.93) == "client: it takes 93% of a core"
    assert last(0.3, 0.93, None) == "client: its busiest process takes 93% of a core"


def test_between_two_stages_nothing_is_said_of_the_one_that_is_over():
    lines = shown(StageBegan(1), tick(1, busy_threads=8.0), StageEnded(1, stage(label="8")))
    assert lines[-1].split()[0] == "10000"


def bar_colours(*events):
    """Return the colours of the bar of the stage of 8 users, from the left."""
    standing = RunState()
    for event in (BEGAN, *events):
        standing.take(event)
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system="truecolor")
    rows = console.render_lines(LiveView(standing), pad=False)
    (row,) = [row for row in rows if "".join(part.text for part in row).split()[0].strip("?!") == "8"]
    return [part.style.color.name for part in row if part.style and part.style.color and "━" in part.text]


@pytest.mark.parametrize(
    ("events", "colour"),
    [
        ((tick(1),), "cyan"),
        ((tick(1, fraction=1.0),), "cyan"),
        ((StageEnded(1, stage(label="8")),), "green"),
        ((StageEnded(1, stage(label="8", state=State.SUSPECT)),), "yellow"),
    ],
    ids=["running", "draining", "valid", "suspect"],
)
def test_a_bar_has_the_colour_of_its_stages_state_and_red_is_none(events, colour):
    assert bar_colours(StageBegan(1), *events)[0] == colour


WORST = tick(
    2,
    phase="measuring",
    rate_hz=123_456.0,
    offered_hz=200_000.0,
    in_flight=10_000,
    p50_ns=1_234 * MS,
    p95_ns=2_345 * MS,
    p99_ns=9_876 * MS,
    errors=123_456,
    dropped=123_456,
    client_cpu=(1.0, 1.0),
    busy_threads=10_000.0,
    slots=10_000,
    thread_queue=10_000.0,
)
OVER = StageEnded(
    1,
    stage(
        label="8",
        throughput_hz=123_456.0,
        in_flight_mean=10_000.0,
        latency_ns=LARGE,
        counts=Counts(scheduled=1_234_567, ok=1),
        state=State.INVALID,
        findings=(Finding("client_cpu", "full"),),
    ),
)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("width", [60, 70, 80, 120])
def test_nothing_wraps_and_no_number_is_cut(width, encoding):
    lines = shown(OVER, StageBegan(2), *[WORST] * 200, width=width, encoding=encoding)
    assert all(len(line) <= width for line in lines)
    assert len(lines) == 2 + 3 + 3
    for figure in ("123,456", "1,234", "9,876", "1,234,566"):
        assert figure in row(lines, "!8")
    assert row(lines, "10000").split()[-1] == "123,456"
    assert "…" not in "".join(lines)


def test_a_narrow_terminal_does_without_p95_first_then_without_in_flight():
    heads = [shown(OVER, StageBegan(2), WORST, width=width)[0] for width in (66, 65, 58)]
    assert ["p95" in head for head in heads] == [True, False, False]
    assert ["in flight" in head for head in heads] == [True, True, False]


def test_a_low_terminal_shows_the_stages_around_the_one_that_runs():
    many = RunBegan("id", environment(), plan(stages=tuple(Stage(concurrency=n) for n in range(1, 41))))
    lines = shown(many, StageBegan(20), tick(20), height=16)
    assert len(lines) < 16
    assert row(lines, "21")
    assert "16 stages before, 15 to come" in lines


# --- the sparkline ---


def test_a_sparkline_is_from_0_to_the_highest_of_what_it_shows():
    assert sparkline([0, 1, 2, 4, 8], 5, ascii_only=False) == " ▁▂▄█"
    assert sparkline([0, 1, 2, 4, 8], 5, ascii_only=True) == " .:=@"


def test_a_sparkline_shows_the_last_values_that_there_is_room_for():
    assert sparkline([800, 1, 2, 4, 8], 2, ascii_only=False) == "▄█"
    assert sparkline([1, 2], 0, ascii_only=False) == ""
    assert sparkline([], 5, ascii_only=False) == ""


def test_where_nothing_came_there_is_no_bar_and_little_is_not_nothing():
    assert sparkline([0, 0], 5, ascii_only=False) == "  "
    assert sparkline([0.001, 1000], 5, ascii_only=False) == "▁█"


# --- who watches ---


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Gone(Terminal):
    """A terminal that was closed, or a pipe without a reader."""

    tried = 0

    def write(self, _):
        self.tried += 1
        raise OSError(5, "Input/output error")

    flush = write


def console(file, **environment):
    return Console(file=file, width=80, _environ=environment)


@pytest.mark.parametrize(
    ("file", "environment", "kind"),
    [
        (Terminal(), {"TERM": "xterm"}, Screen),
        (Terminal(), {"TERM": "xterm", "NO_COLOR": "1"}, Screen),
        (Terminal(), {"TERM": "dumb"}, PlainLines),
        (io.StringIO(), {"TERM": "xterm"}, PlainLines),
        (io.StringIO(), {"TERM": "xterm", "FORCE_COLOR": "1"}, PlainLines),
    ],
    ids=["terminal", "no colour", "dumb", "pipe", "pipe with colours"],
)
def test_only_a_terminal_has_a_screen(file, environment, kind):
    assert isinstance(watcher(console(file, **environment), quiet=False), kind)
    assert type(watcher(console(file, **environment), quiet=True)) is Quiet


def test_a_closed_stream_is_no_screen():
    file = io.StringIO()
    file.close()
    assert not is_screen(console(file))


EVENTS = [
    BEGAN,
    StageBegan(0),
    tick(0),
    Noted("a scrape was lost"),
    StageEnded(0, stage()),
    RunEnded(result()),
]


def screened(events, **environment):
    file = Terminal()
    with Screen(console(file, TERM="xterm", **environment)) as view:
        for event in events:
            view.tell(event)
    return file.getvalue()


def test_a_screen_hides_the_cursor_and_gives_it_back():
    written = screened(EVENTS)
    assert written.count("\x1b[?25l") == 1
    assert written.rindex("\x1b[?25h") > written.rindex("\x1b[?25l")


def test_a_screen_keeps_what_was_said_to_whoever_follows():
    written = screened(EVENTS)
    assert "a target of its own\n" in written
    assert "a scrape was lost\n" in written


def test_without_colours_a_screen_has_none():
    assert "\x1b[3" not in screened(EVENTS, NO_COLOR="1").replace("\x1b[3m", "")
    assert "\x1b[3" in screened(EVENTS)


@pytest.mark.parametrize("kind", [Screen, PlainLines])
def test_a_terminal_that_goes_away_does_not_end_the_run(kind):
    file = Terminal()
    made = console(file, TERM="xterm")
    gone = Gone()
    with kind(made) as view:
        view.tell(BEGAN)
        made.file = gone
        for event in EVENTS:
            view.tell(event)
    assert gone.tried


# --- in a pipe ---


def lines_of(events, turns_s=0):
    file, clock = io.StringIO(), FakeClock()
    with PlainLines(console(file), clock) as view:
        for event in events:
            clock.turn(turns_s * NS_PER_S)
            view.tell(event)
    assert "\x1b" not in file.getvalue()
    return file.getvalue().splitlines()


def test_a_pipe_gets_a_line_for_what_happens_and_none_that_is_drawn_again():
    assert lines_of(EVENTS) == [
        "a target of its own",
        "a scrape was lost",
        "stage 1: 1 requests, 1.00/s, p50 –, p99 –, 0 errors",
    ]


def test_a_long_stage_is_heard_of_every_five_seconds():
    lines = lines_of([BEGAN, StageBegan(1), *[tick(1)] * 12], turns_s=1)
    assert lines[1:] == ["stage 8: measuring, 313/s, 8 in flight, p50 102 ms, p99 112 ms, 0 errors"] * 2


def test_an_open_run_is_headed_by_what_it_offers():
    opened = plan(workload=Workload.OPEN, stages=(Stage(rate_hz=100.0),))
    assert shown(RunBegan("id", environment(), opened))[0].split()[0] == "offered"
