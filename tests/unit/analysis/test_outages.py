"""From when to when a target was away: only failures that go on, and never while answers come."""

from hypothesis import given
from hypothesis import strategies as st

from loadlab.analysis.outages import away_at_the_end, outages
from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.fleet.stage_counts import StageCounts
from loadlab.recording.presence import TICK_NS, TICKS, ticks_of
from loadlab.recording.reasons import number_of, short_of
from loadlab.recording.sample import ANSWERED, FAILED, Outcome
from loadlab.recording.window import Window
from loadlab.results.result import CheckOutcome, Outage
from loadlab.system.resources import Resource
from loadlab.transports.connection_stats import ConnectionStats
from support.recorded import START_NS, mixes, recorder
from support.results import stage
from support.spans import REFUSED, answers, asked, check_of, failures, seconds

TIMED_OUT = Outcome.TIMEOUT
WINDOW_S = 8
WINDOW = Window(START_NS, START_NS + WINDOW_S * NS_PER_S)


def found(*mixes_of, window=WINDOW, halted=False):
    mix = [each for one in mixes_of for each in one]
    carried = StageCounts(
        counted=recorder(window, mix),
        window=window,
        lost=(),
        stats=ConnectionStats(),
        cpu_use=(),
        loop_stall_max_ns=0,
        halted=halted,
    )
    return outages(carried)


def test_an_outage_lasts_from_the_first_failure_to_the_first_answer_after_it():
    spans = found(answers(0, 4000), failures(4010, 6000), answers(6000, 8000))

    assert seconds(spans) == [(4.02, 6.02)], "to 20 ms"


def test_each_restart_is_an_outage_of_its_own():
    spans = found(
        answers(0, 2000),
        failures(2020, 2400),
        answers(2400, 5000),
        failures(5020, 5600),
        answers(5600, 8000),
    )

    assert seconds(spans) == [(2.02, 2.42), (5.02, 5.62)]


def test_a_target_that_hangs_is_away_from_the_first_request_that_has_no_answer():
    hung = failures(4000, 4020, every_ms=10, outcome=TIMED_OUT, last_ms=2000)
    spans = found(answers(0, 4000), hung, answers(6000, 8000))

    assert seconds(spans) == [(4.02, 6.02)]


def test_an_outage_that_has_no_end_lasts_to_the_windows():
    spans = found(answers(0, 6000), failures(6020, 9000))

    assert seconds(spans) == [(6.02, 8.0)]
    assert away_at_the_end(stage(outages=spans, window_ns=8 * NS_PER_S))


def test_a_target_that_is_back_at_the_end_is_not_away_then():
    spans = found(answers(0, 4000), failures(4020, 6000), answers(6000, 8000))

    assert not away_at_the_end(stage(outages=spans, window_ns=8 * NS_PER_S))
    assert not away_at_the_end(stage(outages=(), window_ns=8 * NS_PER_S))


def test_without_any_answer_the_whole_window_is_one():
    assert seconds(found(failures(0, 8000))) == [(0.0, 8.0)]


def test_what_is_still_unanswered_at_the_end_of_the_drain_counts_too():
    unfinished = failures(4000, 8000, outcome=Outcome.UNFINISHED, last_ms=9000)

    assert seconds(found(answers(0, 4000), unfinished)) == [(4.02, 8.0)]


def test_what_a_stop_gave_up_is_no_outage():
    given_up = failures(4000, 8000, outcome=Outcome.UNFINISHED, last_ms=1000)

    assert found(answers(0, 4000), given_up, halted=True) == ()
    assert found(answers(0, 4000), failures(4000, 7000), given_up, halted=True)


def test_an_answer_with_an_unexpected_status_is_an_answer():
    unavailable = [each._replace(outcome=Outcome.HTTP_ERROR) for each in answers(4000, 6000)]

    assert found(answers(0, 4000), unavailable, failures(4000, 6000), answers(6000, 8000)) == ()


def test_failures_among_answers_are_no_outage():
    """Nine of ten connections are refused, and the tenth is answered."""
    assert found(answers(0, 8000, 200), failures(0, 8000, 20)) == ()


def test_one_failure_that_a_pause_of_the_users_own_follows_is_no_outage():
    """Users that think for 2 s, all at once: between their turns nothing is asked."""
    turns = [asked(at_ms + user, at_ms + user + 20) for at_ms in range(0, 8000, 2000) for user in range(100)]

    assert found(turns, [asked(2010, 2150, REFUSED)]) == ()


def test_a_request_that_was_sent_before_the_last_answer_proves_nothing():
    """A batch, or a connection that is not accepted while all others answer, to the end."""
    assert found([asked(0, 7900, TIMED_OUT)], answers(0, 1000)) == ()


def test_requests_that_were_never_sent_are_no_failures_of_the_target():
    assert found(answers(0, 4000), failures(4000, 8000, outcome=Outcome.DROPPED, last_ms=0)) == ()


def test_what_this_machine_had_not_enough_for_is_no_outage_of_the_target():
    number = number_of(short_of(Resource.PORTS))
    own = [each._replace(status=number) for each in failures(4000, 6000)]

    assert found(answers(0, 4000), own, answers(6000, 8000)) == ()
    spans = found(answers(0, 4000), own, failures(4510, 5500), answers(6000, 8000))
    assert seconds(spans) == [(4.5, 6.02)], "what the target itself refused is one"


@given(mixes)
def test_ticks_of_answers_and_failures_are_those_of_their_moments(mix):
    window = Window(START_NS, START_NS + 3 * NS_PER_S)
    counted = recorder(window, mix)
    end_tick = 3 * TICKS

    def tick(moment_ns):
        return (moment_ns - START_NS) // TICK_NS

    answered = {tick(each.done_ns) for each in mix if each.outcome in ANSWERED}
    assert set(ticks_of({at: part.answered for at, part in counted.slices.items()})) == {
        each for each in answered if 0 <= each < end_tick
    }
    failing = {
        each
        for one in mix
        if one.outcome in FAILED
        for each in range(tick(one.sent_ns), tick(one.done_ns) + 1)
        if 0 <= each < end_tick
    }
    assert set(ticks_of({at: part.failing for at, part in counted.slices.items()})) == failing


@given(st.lists(st.integers(0, 60), min_size=1, max_size=4))
def test_every_long_row_of_failures_is_an_outage_and_none_overlaps_an_answer(rows):
    """Ten requests a second; between two rows one is answered."""
    answered = [True] * 60
    for row in rows:
        answered += [False] * row + [True]
    answered += [True] * 60
    long_enough = 10 * len(answered) / sum(answered) + 1
    mix = [asked(at * 100, at * 100 + 10, Outcome.OK if ok else REFUSED) for at, ok in enumerate(answered)]
    window = Window(START_NS, START_NS + len(answered) * 100 * NS_PER_MS)
    spans = found(mix, window=window)
    assert len(spans) >= sum(row >= long_enough for row in rows)
    for span in spans:
        inside = [each for each in mix if span.from_ns <= each.done_ns - START_NS < span.to_ns]
        assert all(each.outcome is REFUSED for each in inside)


# --- in words ---


def test_a_stage_that_was_answered_throughout_passes():
    assert check_of().outcome is CheckOutcome.PASS


def test_an_outage_is_told_by_the_windows_time_and_by_the_wall_clock():
    span = Outage(from_ns=4 * NS_PER_S, to_ns=6_020 * NS_PER_MS)
    check = check_of(outages=(span,))

    assert (check.outcome, check.actual) == (CheckOutcome.FAIL, 2_020 * NS_PER_MS)
    assert "for 2.02 s, from 4.00 s to 6.02 s (12:00:04.5 to 12:00:06.5 UTC)" in check.message


def test_an_outage_to_the_end_says_so():
    span = Outage(from_ns=4 * NS_PER_S, to_ns=8 * NS_PER_S)

    assert "from 4.00 s to the window's end" in check_of(outages=(span,)).message


def test_no_answer_at_all_is_told_as_that():
    span = Outage(from_ns=0, to_ns=8 * NS_PER_S)

    message = check_of(outages=(span,)).message
    assert "no answer in the whole window" in message
    assert "look at its log" not in message, "it may never have been there"


def test_of_many_outages_three_are_told_and_the_rest_counted():
    spans = tuple(Outage(from_ns=at * NS_PER_S, to_ns=at * NS_PER_S + 500 * NS_PER_MS) for at in range(6))
    message = check_of(outages=spans).message

    assert "from 2.00 s to 2.50 s" in message
    assert "from 3.00 s" not in message
    assert "and 3 more times" in message
