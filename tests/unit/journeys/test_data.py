"""Rows of data, and which user has which."""

import pytest

from loadlab.errors import UsageError
from loadlab.journeys.data import Rows, read_rows
from loadlab.workload.plan import RowOrder


@pytest.fixture
def file(tmp_path):
    def written(name, text):
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return str(path)

    return written


def test_a_csv_file_has_a_row_for_each_line_by_its_heading(file):
    path = file("users.csv", 'name,password\r\nann,a1\r\n"b, ob","b\n2"\r\n')
    assert read_rows(path) == [{"name": "ann", "password": "a1"}, {"name": "b, ob", "password": "b\n2"}]


def test_a_byte_order_mark_is_no_part_of_the_first_name(file):
    assert read_rows(file("users.csv", "\ufeffname\nann\n")) == [{"name": "ann"}]


def test_a_jsonl_file_has_a_row_for_each_object(file):
    assert read_rows(file("users.jsonl", '{"name": "ann", "age": 3}\n\n{"name": "bob"}\n')) == [
        {"name": "ann", "age": 3},
        {"name": "bob"},
    ]


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("users.csv", "name,password\nann\n", "line 2: it has more or fewer values"),
        ("users.csv", "name\nann,extra\n", "line 2: it has more or fewer values"),
        ("users.csv", 'name\n"ann\n', "line"),
        ("users.csv", "name\n", "has no row"),
        ("users.csv", b"name\n\xff\n", "not UTF-8"),
        ("users.jsonl", "{}\n[1]\n", "line 2 is not a JSON object"),
        ("users.jsonl", "{\n", "line 1"),
        ("users.txt", "ann\n", r"neither a \.csv nor a \.jsonl"),
    ],
)
def test_a_file_that_can_not_be_read_is_named_with_its_line(file, name, text, what):
    with pytest.raises(UsageError, match=what):
        read_rows(file(name, text))


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(UsageError, match=r"--data: missing\.csv: No such file"):
        read_rows("missing.csv")


ROWS = [{"name": name} for name in "abc"]


def names(order, users, seed=1):
    rows = Rows(ROWS, order, seed)
    return "".join(rows.of(user)["name"] for user in range(users))


def test_unique_rows_are_used_up():
    assert names(RowOrder.UNIQUE, 3) == "abc"
    with pytest.raises(LookupError, match="3 rows"):
        names(RowOrder.UNIQUE, 4)


def test_rows_in_a_cycle_begin_again():
    assert names(RowOrder.CYCLE, 7) == "abcabca"


def test_random_rows_follow_the_seed():
    assert names(RowOrder.RANDOM, 50) == names(RowOrder.RANDOM, 50)
    assert names(RowOrder.RANDOM, 50) != names(RowOrder.RANDOM, 50, seed=2)
    assert set(names(RowOrder.RANDOM, 50)) == set("abc")
