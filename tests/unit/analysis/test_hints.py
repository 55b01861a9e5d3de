"""The advice follows what failed most."""

import pytest

from loadlab.analysis.hints import hint
from loadlab.recording.reasons import short_of
from loadlab.results.result import Counts, ErrorReason
from loadlab.system.resources import Resource, shortage
from support.results import stage


def failed(kind, reason, times=9, **changed):
    errors = (ErrorReason(kind=kind, reason=reason, count=times),)
    return stage(counts=Counts(scheduled=times, **{kind: times}), errors=errors, statuses={}, **changed)


def answered(**statuses):
    return stage(statuses={status.removeprefix("s"): times for status, times in statuses.items()})


def told(*stages):
    return hint(stages, lambda status: status == 200)


@pytest.mark.parametrize(
    ("kind", "reason", "words"),
    [
        ("connect_error", "connection refused", "check that the target runs at that address"),
        ("connect_error", "no address for the host name", "check the host name"),
        ("connect_error", "TLS failed: the port does not speak TLS (http, not https?)", "use http://"),
        ("connect_error", "self-signed certificate", "SSL_CERT_FILE"),
        ("connect_error", "certificate for another address", "stands in the certificate"),
        ("connect_error", "certificate has expired", "renew the certificate"),
        ("timeout", "no answer within the time limit", "--timeout"),
        ("timeout", "no connection within the time limit", "--connect-timeout"),
        ("protocol_error", "not an HTTP answer: the port speaks TLS (https)", "use https://"),
        ("protocol_error", "closed before any byte of an answer", "target.log"),
        ("unfinished", "no answer at the end of the drain", "find out why the page is slow"),
    ],
)
def test_a_request_without_an_answer_is_told_what_to_do_by_its_reason(kind, reason, words):
    assert words in told(failed(kind, reason))


@pytest.mark.parametrize("resource", Resource)
def test_what_this_machine_had_not_enough_of_has_its_own_advice(resource):
    short = failed("connect_error", short_of(resource))
    for stages in ((short,), (short, stage(counts=Counts(scheduled=1, ok=1)))):
        assert shortage(resource).endswith(f": {told(*stages)}")
        assert "target.log" not in told(*stages)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("401", "--header"),
        ("403", "--header"),
        ("404", "check the path"),
        ("405", "--method"),
        ("302", "--expect-status 302"),
        ("500", "target.log"),
        ("503", "target.log"),
        ("418", "--expect-status"),
    ],
)
def test_an_unexpected_answer_is_told_what_to_do_by_its_status(status, words):
    assert words in told(answered(**{f"s{status}": 9}))


def test_the_most_frequent_cause_of_all_stages_decides():
    refused = failed("connect_error", "connection refused", 5)
    assert "--header" in told(answered(s200=1_000, s401=6, s500=3), refused)
    assert "target.log" in told(answered(s401=6), refused, refused)


def test_a_target_that_answered_before_it_refused_connections_went_away():
    refused = failed("connect_error", "connection refused")
    assert "the target was gone for a while" in told(refused, stage(counts=Counts(scheduled=1, ok=1)))
    assert "runs at that address" in told(refused, refused)


def test_what_a_stop_gave_up_is_no_cause():
    given_up = failed("unfinished", "no answer at the end of the drain", 90, halted=True)
    assert "target.log" in told(given_up, answered(s500=3))


def test_a_count_without_a_reason_is_told_by_its_kind():
    assert "--timeout" in told(stage(statuses={}, counts=Counts(scheduled=3, timeout=3)))
