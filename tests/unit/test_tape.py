"""What is noted on a tape comes back whole and in order."""

from hypothesis import given
from hypothesis import strategies as st

from loadlab.sample import WAITED, Outcome
from loadlab.tape import COLUMNS, PIECE, Tape, packed_row
from recorded import samples


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


def test_a_tape_may_grow_while_it_is_cut():
    tape = Tape()
    for number in range(PIECE + 5):
        tape.note(packed_row(*[number] * COLUMNS))
    first = tape.cut()
    tape.note(packed_row(*[-1] * COLUMNS))
    assert len(first) == PIECE
    assert tape.cut()[:, 0].tolist() == [*range(PIECE, PIECE + 5), -1]


def test_a_row_comes_back_as_it_was_packed():
    tape = Tape()
    row = (1 << 62, -5, 3, Outcome.TIMEOUT | WAITED, 200, 6, 7)
    tape.note(packed_row(*row))
    assert len(tape) == 1
    assert tape.cut().tolist() == [[*row]]
