"""The table of ceilings in the terminal."""

import io

from rich.console import Console

from loadlab.results.ceilings_file import Ceiling, Limit
from loadlab.terminal.ceilings_table import render


def shown(*limits):
    ceilings = [
        Ceiling(
            scenario="blocked-loop",
            transport="requests",
            processes=256,
            users=512,
            rate_hz=1_234_567.8,
            limit=limit,
            measured_at="2026-11-23T12:00:00+00:00",
        )
        for limit in limits
    ]
    out = io.StringIO()
    Console(file=out, width=80).print(render(ceilings))
    return out.getvalue()


def test_it_fits_into_80_columns():
    text = shown(*Limit)
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text


def test_the_clients_own_ceiling_needs_no_explanation():
    assert "≥" not in shown(Limit.CLIENT)


def test_a_rate_that_something_else_held_down_is_only_at_least_that_and_it_is_said_what_did():
    text = shown(Limit.CLIENT, Limit.SINK)
    assert text.count("≥ 1,234,568") == 1
    assert "the sink's answers: the client waited for them" in text
    assert "the cores:" not in text
