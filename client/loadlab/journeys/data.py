"""Rows of data for users, from a CSV file with a heading or a file with a JSON object on each line."""

import csv
import io
import random
from collections.abc import Mapping

import msgspec

from loadlab.errors import UsageError
from loadlab.system.files import decode_json, read_bounded
from loadlab.workload.plan import RowOrder

OPTION = "--data"
MOST_BYTES = 64 << 20
_ANY = msgspec.json.Decoder()
Row = Mapping[str, str]


class Rows:
    """The rows of a file, and who has which."""

    def __init__(self, rows: list[Row], order: RowOrder, seed: int) -> None:
        self._rows = rows
        self._order = order
        self._seed = seed

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self._rows)

    def of(self, user: int) -> Row:
        """Return a user's row; raise LookupError where each of them has a user already."""
        match self._order:
            case RowOrder.RANDOM:
                return random.Random(f"{self._seed} row {user}").choice(self._rows)
            case RowOrder.CYCLE:
                return self._rows[user % len(self._rows)]
            case RowOrder.UNIQUE:
                if user >= len(self._rows):
                    raise LookupError(f"{OPTION}: there are {len(self._rows)} rows, each has a user already")
                return self._rows[user]


def read_rows(path: str) -> list[Row]:
    """Read a `.csv` or `.jsonl` file; raise UsageError with what is wrong with it."""
    try:
        text = read_bounded(path, MOST_BYTES).decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{OPTION}: {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{OPTION}: {path} is not UTF-8") from error
    if path.endswith(".jsonl"):
        rows = [
            _of_json(path, number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()
        ]
    elif path.endswith(".csv"):
        rows = _of_csv(path, text)
    else:
        raise UsageError(f"{OPTION}: {path} is neither a .csv nor a .jsonl file")
    if not rows:
        raise UsageError(f"{OPTION}: {path} has no row")
    return rows


def _of_csv(path: str, text: str) -> list[Row]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    rows: list[Row] = []
    try:
        for row in reader:
            if None in row or None in row.values():
                raise UsageError(
                    f"{OPTION}: {path}, line {reader.line_num}: it has more or fewer values than the heading"
                )
            rows.append(row)
    except csv.Error as error:
        raise UsageError(f"{OPTION}: {path}, line {reader.line_num}: {error}") from error
    return rows


def _of_json(path: str, number: int, line: str) -> Row:
    try:
        row = decode_json(line.encode(), _ANY)
    except msgspec.DecodeError as error:
        raise UsageError(f"{OPTION}: {path}, line {number}: {error}") from error
    if not isinstance(row, dict):
        raise UsageError(f"{OPTION}: {path}, line {number} is not a JSON object")
    return row
