"""When a target stood still: requests waited, and none was answered, for longer than is usual."""

from loadlab.analysis.outages import away_at_the_end, outages
from loadlab.analysis.stalls import stalls
from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.fleet.stage_counts import StageCounts
from loadlab.recording.sample import Outcome
from loadlab.recording.window import Window
from loadlab.results.result import CheckOutcome, Standstill
from loadlab.transports.connection_stats import ConnectionStats
from support.recorded import START_NS, recorder
from support.results import stage
from support.spans import answers, asked, check_of, failures, seconds

WINDOW = Window(START_NS, START_NS + 8 * NS_PER_S)


def found(*mixes, loop_stall_max_ns=0):
    carried = StageCounts(
        counted=recorder(WINDOW, [each for one in mixes for each in one]),
        window=WINDOW,
        lost=(),
        stats=ConnectionStats(),
        cpu_use=(),
        loop_stall_max_ns=loop_stall_max_ns,
    )
    return stalls(carried, outages(carried))


FROZEN = [*answers(0, 4000), asked(4000, 6000), *answers(6000, 8000)]


def test_a_target_that_is_frozen_and_goes_on_stood_still():
    assert seconds(found(FROZEN)) == [(4.02, 6.0)], "to 20 ms"


def test_a_stall_of_an_open_load_is_told_though_it_slows_many_answers():
    on_time = [asked(at_ms, at_ms + 10) for at_ms in range(0, 8000, 20) if not 3000 <= at_ms <= 6000]
    late = [asked(at_ms, 6000 + at_ms // 100) for at_ms in range(3000, 6000, 20)]

    assert seconds(found(on_time, late)) == [(3.0, 6.02)]


def test_a_stall_that_begins_in_the_warm_up_or_ends_after_the_window_counts_as_far_as_it_lies_in_it():
    assert seconds(found([asked(-500, 1500)], answers(1500, 8000))) == [(0.0, 1.5)]
    assert seconds(found(answers(0, 6500), [asked(6500, 9000)])) == [(6.52, 8.0)]


def test_a_frozen_target_of_which_some_requests_fail_and_others_are_answered_stood_still():
    given_up = [asked(4000 - user, 5400, Outcome.TIMEOUT) for user in range(1, 4)]

    assert len(found(FROZEN, given_up)) == 1


def test_slow_answers_are_no_stall():
    users = 3
    assert (
        found(
            [
                asked(at_ms + user, at_ms + 2000 + user)
                for at_ms in range(0, 8000, 2000)
                for user in range(users)
            ]
        )
        == ()
    )


def test_users_that_pause_meet_no_stall():
    assert found([asked(at_ms, at_ms + 20) for at_ms in range(0, 8000, 2000) for _ in range(100)]) == ()


def test_a_pause_of_the_users_before_the_stall_is_not_part_of_it():
    assert seconds(found(answers(0, 2000), [asked(3000, 5000)], answers(5000, 8000))) == [(3.0, 5.0)]


def test_a_slow_request_among_answers_is_no_stall():
    assert found(answers(0, 8000), [asked(2000, 6000)]) == ()


def test_a_low_rate_is_no_stall():
    assert found([asked(at_ms, at_ms + 900) for at_ms in range(0, 7000, 1000)], [asked(2500, 3950)]) == ()


def test_what_may_be_the_clients_own_pause_is_not_told_of_the_target():
    assert found(FROZEN, loop_stall_max_ns=1900 * NS_PER_MS) == ()


def test_what_is_an_outage_is_no_stall_too():
    assert found(answers(0, 4000), failures(4010, 6000, last_ms=100), answers(6000, 8000)) == ()


def test_a_window_without_any_answer_tells_of_no_stall():
    assert found([asked(0, 9000)]) == ()


# --- in words ---

SPAN = Standstill(from_ns=1_200 * NS_PER_MS, to_ns=3_200 * NS_PER_MS)


def test_a_stall_is_told_by_the_windows_time_and_by_the_wall_clock():
    check = check_of(stalls=(SPAN,))

    assert (check.outcome, check.actual) == (CheckOutcome.FAIL, 2 * NS_PER_S)
    assert "stalled for 2.00 s, from 1.20 s to 3.20 s (12:00:01.7 to 12:00:03.7 UTC)" in check.message
    assert "requests were in flight and none was answered" in check.message


def test_a_stall_at_the_end_is_not_a_target_that_is_away():
    assert not away_at_the_end(stage(stalls=(Standstill(from_ns=0, to_ns=NS_PER_S),)))


def test_a_stage_that_passes_is_not_told_more_than_was_seen():
    assert check_of().message == "no gap between answers stands out from this load's usual ones"
    assert check_of(throughput_hz=0.0).outcome is CheckOutcome.UNTESTABLE
