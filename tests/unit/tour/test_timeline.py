"""The picture of what a program printed: from given times, always the same."""

import pytest

from loadlab.tour.timeline import Cost, Part, Reader, Span, draw

TWO_IN_TURN = """\
  0.000 s  1 sent
  0.500 s  1 done
  0.500 s  2 sent
  1.000 s  2 done
Cost time: 1.000 s"""


def read(text):
    reader = Reader()
    others = [line for line in text.splitlines() if reader.read(line) is not None]
    return reader, others


def test_requests_one_after_another_are_a_staircase():
    reader, _ = read(TWO_IN_TURN)
    assert draw(reader.parts, 27) == [
        "    1 ├─────────┤",
        "    2           ├─────────┤",
        "      0    500 ms    1.00 s",
    ]


def test_requests_at_the_same_time_stand_below_one_another():
    part = Part(Cost(1.0), (Span("1", 0.0, 1.0), Span("2", 0.5, 1.0)))
    assert draw([part], 17)[:2] == ["    1 ├─────────┤", "    2      ├────┤"]


def test_parts_follow_one_another_and_are_named_below_their_begin():
    first = Part(Cost(0.5, "one"), (Span("1", 0.0, 0.5),))
    second = Part(Cost(0.5, "two"), (Span("1", 0.5, 1.0),))
    row, _, names = draw([first, second], 27)
    assert row == "    1 ├─────────┤├────────┤"
    assert names == "      one       two"


def test_names_that_would_meet_stand_beside_each_other():
    parts = [
        Part(Cost(0.1, "a-long-name"), (Span("1", 0.0, 0.1),)),
        Part(Cost(1.0, "b"), (Span("1", 0.1, 1.0),)),
    ]
    assert draw(parts, 27)[-1] == "      a-long-name b"


def test_what_waits_for_its_turn_is_dotted_until_it_is_sent():
    part = Part(Cost(1.0), (Span("7", 0.5, 1.0, due_s=0.0),))
    assert draw([part], 17)[0] == "    7 .....├────┤"


def test_a_request_shorter_than_a_cell_is_one_stroke():
    part = Part(Cost(1.0), (Span("1", 0.0, 1.0), Span("2", 0.5, 0.51)))
    assert draw([part], 17)[1] == "    2      │"


def test_rows_are_in_the_order_of_their_numbers_whichever_ended_first():
    part = Part(Cost(1.0), (Span("10", 0.0, 0.4), Span("9", 0.0, 1.0)))
    assert [row.split()[0] for row in draw([part], 40)[:2]] == ["9", "10"]


def test_parts_without_requests_are_as_long_as_they_took():
    drawn = draw([Part(Cost(1.0, "pool"), ()), Part(Cost(0.5, "tasks"), ())], 21)
    assert drawn[:2] == ["     pool ├─────────┤", "    tasks ├────┤"]
    assert len(drawn) == 3


def test_nothing_is_wider_than_asked_for():
    reader, _ = read(TWO_IN_TURN)
    for width in (30, 50, 78):
        assert max(len(line) for line in draw(reader.parts, width)) == width


def test_lines_for_people_are_given_back():
    reader, others = read(f"state   created\n{TWO_IN_TURN}\nnothing done")
    assert others == ["state   created", "nothing done"]
    assert [part.cost for part in reader.parts] == [Cost(1.0)]


def test_each_cost_time_ends_a_part():
    reader, _ = read(
        f"{TWO_IN_TURN}  first\n  1.000 s  1 sent\n  1.250 s  1 done\nCost time: 0.250 s  second"
    )
    first, second = reader.parts
    assert first.cost == Cost(1.0, "first")
    assert second == Part(Cost(0.25, "second"), (Span("1", 1.0, 1.25),))


def test_when_a_request_was_due_is_kept():
    reader, _ = read("  0.100 s  40 due\n  0.900 s  40 sent\n  1.000 s  40 done\nCost time: 1.000 s")
    assert reader.parts[0].spans == (Span("40", 0.9, 1.0, due_s=0.1),)


def test_an_answer_to_nothing_is_left_out():
    reader, _ = read("  0.100 s  1 done\nCost time: 0.100 s")
    assert reader.parts == [Part(Cost(0.1), ())]
    assert reader.unanswered == 0


@pytest.mark.parametrize(("lines", "unanswered"), [(4, 0), (3, 1), (1, 1)])
def test_a_request_that_has_no_answer_is_counted(lines, unanswered):
    reader, _ = read("\n".join(TWO_IN_TURN.splitlines()[:lines]))
    assert reader.unanswered == unanswered
