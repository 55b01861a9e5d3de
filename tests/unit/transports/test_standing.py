"""For how long an idle connection is used without a look, and left alone."""

import pytest

from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.transports.standing import rest_ns, unseen_ns
from support.fakes import plan


@pytest.mark.parametrize(
    ("think_ns", "unseen_ms", "rest_ms"), [(0, 20, 0), (5 * NS_PER_MS, 1, 5), (NS_PER_S, 1, 20)]
)
def test_where_users_pause_a_connection_is_looked_at_sooner_and_rests(think_ns, unseen_ms, rest_ms):
    whole = plan(think_ns=think_ns)
    assert (unseen_ns(whole), rest_ns(whole)) == (unseen_ms * NS_PER_MS, rest_ms * NS_PER_MS)
