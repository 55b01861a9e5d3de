"""Which requests give their connection up."""

import pytest

from loadlab.transports.outgoing import outgoing
from loadlab.workload.plan import Request


@pytest.mark.parametrize(
    ("value", "closes"),
    [
        ("close", True),
        ("Keep-Alive, CLOSE", True),
        ("keep-alive", False),
        ("disclose", False),
        ("close-notify", False),
    ],
)
def test_a_request_gives_its_connection_up_where_a_whole_word_says_so(value, closes):
    made = outgoing(Request(url="http://host/", headers=(("connection", value),)))
    assert made.closes is closes
    assert made.lines[-1] == ("connection", value)
