"""What comes from elsewhere is read in one place each, which knows everything that reading it can raise."""

import re

from imports import CLIENT

JSON = re.compile(r"json\.(?:decode|loads?)\(|(?:DECODER|_LINE|_REQUEST)\.decode\(")


def outside(pattern, *readers):
    found = {
        str(path.relative_to(CLIENT)) for path in CLIENT.rglob("*.py") if pattern.search(path.read_text())
    }
    return found - set(readers)


def test_json_is_read_by_one_function():
    assert outside(JSON) == set()
