"""What tests of whole programs share."""

import pytest

from support.terminals import AtTerminal


@pytest.fixture
def at_terminal(tmp_path):
    """Start `loadlab` with these words at a terminal of its own."""
    made = []

    def start(*arguments, **given):
        made.append(AtTerminal(tmp_path, arguments, **given))
        return made[-1]

    yield start
    for each in made:
        each.close()
