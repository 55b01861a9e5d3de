"""Tests that lack a part of the machine are skipped, but not where the part is demanded, as CI does."""

import re

import pytest

from support import namespaces
from support.readme import ROOT

SWITCH = re.compile(r"\bLOADLAB_REQUIRE_[A-Z]+\b")


def switches(text):
    return set(SWITCH.findall(text))


@pytest.mark.parametrize("demands", [".ci/run", "Makefile"])
def test_every_switch_that_a_test_reads_is_set_where_nothing_may_be_skipped(demands):
    sources = [path.read_text() for path in (ROOT / "tests").rglob("*.py")]
    read = set(re.findall(r'environ\.get\("(LOADLAB_REQUIRE_[A-Z]+)"\)', "\n".join(sources)))
    assert len(read) >= 4
    assert switches((ROOT / demands).read_text()) == read


@pytest.mark.parametrize(("demanded", "raised"), [("1", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_without_a_network_of_its_own_a_test_is_skipped_or_fails(monkeypatch, demanded, raised):
    monkeypatch.setattr(namespaces, "can_be_made", lambda: False)
    monkeypatch.setenv("LOADLAB_REQUIRE_NAMESPACES", demanded)
    with pytest.raises(raised, match="unshare -n"):
        namespaces.need_network()


def test_with_one_it_goes_on(monkeypatch):
    monkeypatch.setattr(namespaces, "can_be_made", lambda: True)
    monkeypatch.setenv("LOADLAB_REQUIRE_NAMESPACES", "1")
    namespaces.need_network()
