"""What is noted on a tape comes back whole and in order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadlab.recording.sample import WAITED, Outcome, Sample
from loadlab.recording.tape import (
    COLUMNS,
    MOST_PIECES,
    PIECE,
    Tape,
    dropped_row,
    packed_row,
    pieces,
    unfinished_row,
)
from support.recorded import samples


@given(st.lists(samples(), max_size=30), st.integers(1, 12))
def test_a_tape_gives_back_what_was_noted_in_order_piece_by_piece(mix, piece):
    tape = Tape()
    for each in mix:
        tape.note(packed_row(*each))
    assert len(tape) == len(mix)
    pieces = []
    while len(tape):
        pieces += tape.cut(piece).tolist()
    assert pieces == [list(each) for each in mix]


@pytest.mark.parametrize("flag", [0, WAITED])
def test_what_had_no_reply_is_noted_with_its_moments_and_nothing_else(flag):
    tape = Tape()
    tape.note(dropped_row(5, 9, flag))
    tape.note(unfinished_row(5, 7, 9, flag))
    assert [Sample(*row) for row in tape.cut().tolist()] == [
        Sample(due_ns=5, sent_ns=9, done_ns=9, outcome=Outcome.DROPPED | flag, status=0, body_bytes=0),
        Sample(due_ns=5, sent_ns=7, done_ns=9, outcome=Outcome.UNFINISHED | flag, status=0, body_bytes=0),
    ]


def test_a_tape_may_grow_while_it_is_cut():
    tape = Tape()
    for number in range(PIECE + 5):
        tape.note(packed_row(*[number] * COLUMNS))
    first = tape.cut()
    tape.note(packed_row(*[-1] * COLUMNS))
    assert len(first) == PIECE
    assert tape.cut()[:, 0].tolist() == [*range(PIECE, PIECE + 5), -1]


@pytest.mark.parametrize("count", [PIECE, PIECE + 1, 5 * PIECE])
def test_a_cut_of_any_size_holds_each_row_once_and_in_order(count):
    tape = Tape()
    for number in range(count + 1):
        tape.note(packed_row(*range(number, number + COLUMNS)))
    rows = tape.cut(count)
    assert rows.shape == (count, COLUMNS)
    assert all((rows[:, column] == np.arange(count) + column).all() for column in range(COLUMNS))
    assert tape.cut().tolist() == [[*range(count, count + COLUMNS)]]


def test_a_row_comes_back_as_it_was_packed():
    tape = Tape()
    row = (1 << 62, -5, 3, Outcome.TIMEOUT | WAITED, 200, 6, 7)
    tape.note(packed_row(*row))
    assert len(tape) == 1
    assert tape.cut().tolist() == [[*row]]


@pytest.mark.parametrize("count", [0, 1, PIECE, PIECE + 1, 3 * PIECE, 1_000_003])
def test_a_fold_of_ever_so_many_rows_is_eight_pieces_at_most_and_loses_none(count):
    sizes = list(pieces(count))
    assert sum(sizes) == count
    assert len(sizes) <= MOST_PIECES == 8
    assert all(sizes)


def test_pieces_are_no_smaller_than_they_need_be():
    assert list(pieces(PIECE + 1)) == [PIECE, 1]
