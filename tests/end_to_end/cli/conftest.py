"""A folder to run `loadlab` in."""

import pytest

from support.labs import Lab


@pytest.fixture
def lab(tmp_path):
    made = Lab(tmp_path)
    yield made
    made.close()
