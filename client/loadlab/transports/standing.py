"""Does an idle connection still stand? The same rule on every transport, before a request is sent on it.

A loop that is late hears of a connection's end only after its own timers, and a blocking client does not hear
about that. So the system is asked about one that was idle for long enough, which costs a call. What answered
just now is used without that: a server that closes behind each answer is seen alike on all transports, and a
client without pauses pays nothing.
"""

import select

from loadlab.clock import NS_PER_MS
from loadlab.workload.plan import Plan

_UNSEEN_NS = 20 * NS_PER_MS
"""For how long a connection is used again unseen: two grains of the `wire` transport's clock."""
_THINKING_NS = NS_PER_MS
"""The same where users pause after each answer."""


def unseen_ns(plan: Plan) -> int:
    """Return for how long after its last answer a connection is used without a look at it."""
    return _THINKING_NS if plan.think_ns else _UNSEEN_NS


def rest_ns(plan: Plan) -> int:
    """Return for how long after a request a connection is left alone where users pause; 0 where they do not.

    A user who pauses comes back on a connection that paused, too. One that answered a moment ago is another
    user's, and its server may be just about to close it.
    """
    return min(plan.think_ns, _UNSEEN_NS)


def has_news(fd: int) -> bool:
    """Tell whether something came on an idle connection, without a request: its end, or bytes."""
    look = select.poll()
    look.register(fd, select.POLLIN)
    return bool(look.poll(0))
