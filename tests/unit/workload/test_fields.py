"""What can be sent as a method and as a header line, and what is refused in a sentence."""

import pytest

from loadlab.workload.fields import header_problem, host_problem, method_problem


@pytest.mark.parametrize("method", ["GET", "M-SEARCH", "TRACE", "X_1"])
def test_a_method_is_any_token_in_capitals(method):
    assert method_problem(method, "--method") is None


@pytest.mark.parametrize("method", ["", "get", "GE T", "GET\r\n", "G\u00c4T", "GET/", "CONNECT"])
def test_what_is_no_method_or_asks_for_a_tunnel_is_refused(method):
    assert str(method_problem(method, "--method")).startswith("--method: ")


@pytest.mark.parametrize("value", ["", "a b", "a\tb", "m\u00fcsli", "\u65e5\u672c", "a\x85", "\U0001f600"])
def test_a_value_may_be_any_text_without_control_characters(value):
    assert header_problem("X-A", value, "--header") is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, "v") for name in ("", " X", "X ", "X Y", "X:Y", "\u00dc", "X\x01", "X\r\nY", "(X)")),
        *(("X", value) for value in ("a\r\nY: b", "a\nb", "a\rb", "a\0b", "\x7f", "\x1b", "\udcff")),
        *((name, "1") for name in ("Content-Length", "transfer-encoding", "CONNECTION")),
    ],
)
def test_what_would_be_another_line_or_is_the_transports_own_is_refused(name, value):
    assert str(header_problem(name, value, "--header")).startswith("--header: ")


@pytest.mark.parametrize(
    ("names", "fine"), [(["Host"], True), (["host", "X", "HOST"], False), (["X", "X"], True)]
)
def test_a_request_has_one_host(names, fine):
    assert (host_problem(names, "--header") is None) == fine
