"""What all tests share: hypothesis without wall-clock deadlines, and the fake transport's registration."""

import pytest
from hypothesis import settings

from loadlab import transports

settings.register_profile("lab", deadline=None, max_examples=60)
settings.load_profile("lab")


@pytest.fixture
def fake_transport(monkeypatch):
    """Make `fake` a transport's name, the way any transport gets one: a line in the registry."""
    monkeypatch.setitem(transports._ASYNC, "fake", "fakes:newest")
