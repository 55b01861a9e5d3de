"""What all tests share: hypothesis without wall-clock deadlines, and the fake transport's registration."""

import pytest
from hypothesis import settings

from loadlab import transports

settings.register_profile("lab", deadline=None, max_examples=60)
settings.load_profile("lab")


@pytest.fixture(autouse=True)
def no_calibration(monkeypatch, tmp_path_factory):
    """Keep every test, and what it starts, from the ceilings of whoever runs it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture
def fake_transport(monkeypatch):
    """Make `fake` a transport's name, the way any transport gets one: a line in the registry."""
    monkeypatch.setitem(transports._ASYNC, "fake", "fakes:newest")
