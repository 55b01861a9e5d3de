"""A run without a target: where `--transport null` happens."""

import asyncio

import pytest

from loadlab.errors import UsageError
from loadlab.options.target import TargetOptions
from loadlab.runs.runners import choose
from loadlab.targets.no_target import NoTarget


def test_the_null_transport_is_carried_here_and_says_that_there_is_no_target():
    place = choose(None, TargetOptions(), remote=False, transport="null")
    target = asyncio.run(NoTarget(None).start())
    assert place.base == target.url == "http://null/"
    assert target.where == "no target: the null transport answers at once"
    assert target.metrics_url is None


def test_its_delay_stands_in_the_url():
    assert (
        choose(None, TargetOptions(delay="5ms"), remote=False, transport="null").base
        == "http://null/?delay=5ms"
    )
    assert "after 5ms" in asyncio.run(NoTarget("5ms").start()).where


@pytest.mark.parametrize(
    ("target", "serve", "named"),
    [
        ("http://127.0.0.1/", TargetOptions(), "--target"),
        (None, TargetOptions(workers="2"), "--workers"),
        (None, TargetOptions(app="a:b", delay="1s"), "--app"),
        (None, TargetOptions(delay="exp:5ms"), "--delay"),
    ],
)
def test_options_of_a_target_are_refused(target, serve, named):
    with pytest.raises(UsageError, match=named):
        choose(target, serve, remote=False, transport="null")


def test_another_transport_has_a_target():
    assert (
        choose("127.0.0.1:1", TargetOptions(), remote=False, transport="wire").base == "http://127.0.0.1:1/"
    )
