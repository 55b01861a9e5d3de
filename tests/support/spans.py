"""Answers and failures at given moments, and what the check of a target that was away says of them."""

from loadlab.analysis.checks.check import CheckInput
from loadlab.analysis.checks.target_away import target_away
from loadlab.clock import NS_PER_S
from loadlab.recording.sample import Outcome
from loadlab.scenarios import scenario
from support.fakes import plan
from support.recorded import sample
from support.results import stage

REFUSED = Outcome.CONNECT_ERROR


def asked(sent_ms, done_ms, outcome=Outcome.OK):
    return sample(sent_ms, sent_ms, done_ms, outcome)


def answers(from_ms, to_ms, every_ms=20):
    """Requests one after the other, each answered as the next one is sent."""
    return [asked(at_ms, at_ms + every_ms) for at_ms in range(from_ms, to_ms - every_ms + 1, every_ms)]


def failures(from_ms, to_ms, every_ms=100, outcome=REFUSED, last_ms=1):
    return [asked(at_ms, at_ms + last_ms, outcome) for at_ms in range(from_ms, to_ms, every_ms)]


def seconds(spans):
    return [(round(each.from_ns / NS_PER_S, 2), round(each.to_ns / NS_PER_S, 2)) for each in spans]


def check_of(**changed):
    values = {"window_ns": 8 * NS_PER_S, "began_at": "2026-11-23T12:00:00.500+00:00"}
    return target_away(CheckInput(plan(), scenario("task").TRAITS, 1.0, stage(**values | changed)))
