import re
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

from loadlab_target.measured_app import MeasuredApp

STAMP = re.compile(r"queue;dur=2\.500, app;dur=\d+\.\d{3}")


class Server:
    """Calls an app as a WSGI server would, and keeps what it saw."""

    def __init__(self, app, *, server_timing=True):
        self.measured = MeasuredApp(app, server_timing=server_timing)
        self.heads = []
        self.body = b""

    def start_response(self, status, headers, exc_info=None):
        self.heads.append((status, headers))
        return self.write

    def write(self, data):
        self.body += data

    def serve(self, **environ):
        setup_testing_defaults(environ)
        self.call = self.measured.expect(queue_ns=2_500_000)
        pieces = self.measured(environ, self.start_response)
        try:
            for piece in pieces:
                self.write(piece)
        finally:
            if hasattr(pieces, "close"):
                pieces.close()
        return self

    @property
    def timings(self):
        return [value for name, value in self.heads[-1][1] if name == "Server-Timing"]


def plain(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"one", b"two"]


def test_a_response_passes_unchanged_but_for_the_stamp():
    server = Server(plain).serve()
    assert server.body == b"onetwo"
    assert len(server.heads) == 1
    assert STAMP.fullmatch(server.timings[0])


def test_a_call_knows_its_status_and_times():
    call = Server(plain).serve().call
    assert call.status == 200
    assert call.started_ns < call.finished_ns


def test_the_stamp_can_be_left_out():
    assert Server(plain, server_timing=False).serve().timings == []


def test_it_keeps_to_pep_3333_on_both_sides():
    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"x"]

    measured = MeasuredApp(validator(app), server_timing=True)
    measured.expect(queue_ns=0)
    environ = {"QUERY_STRING": ""}
    setup_testing_defaults(environ)
    pieces = validator(measured)(environ, lambda *head: lambda data: None)
    assert list(pieces) == [b"x"]
    pieces.close()


def test_an_apps_own_server_timing_stands_beside_ours():
    def app(environ, start_response):
        start_response("200 OK", [("Server-Timing", "db;dur=3")])
        return [b"x"]

    own, ours = Server(app).serve().timings
    assert own == "db;dur=3"
    assert STAMP.fullmatch(ours)


def test_the_head_goes_out_with_the_first_piece_and_not_before():
    seen = []

    def app(environ, start_response):
        start_response("200 OK", [])
        seen.append(len(server.heads))
        yield b"first"
        seen.append(len(server.heads))

    server = Server(app)
    server.serve()
    assert seen == [0, 1]


def test_an_empty_body_still_gets_its_head():
    def app(environ, start_response):
        start_response("204 No Content", [])
        return []

    server = Server(app).serve()
    assert server.heads[0][0] == "204 No Content"
    assert server.call.status == 204


def test_old_apps_may_write():
    def app(environ, start_response):
        write = start_response("200 OK", [])
        write(b"old ")
        return [b"way"]

    assert Server(app).serve().body == b"old way"


def test_an_error_may_replace_a_head_that_is_not_sent():
    def app(environ, start_response):
        start_response("200 OK", [])
        start_response("500 Oops", [], (ValueError, ValueError(), None))
        return [b"sorry"]

    server = Server(app).serve()
    assert [status for status, _ in server.heads] == ["500 Oops"]
    assert server.call.status == 500


def test_a_second_head_without_an_error_is_refused():
    def app(environ, start_response):
        start_response("200 OK", [])
        start_response("200 OK", [])
        return [b""]

    with pytest.raises(AssertionError):
        Server(app).serve()


@pytest.mark.parametrize("fails", [False, True])
def test_the_apps_iterable_is_closed_once(fails):
    class Body:
        closed = 0

        def __iter__(self):
            yield b"x"
            if fails:
                raise ValueError

        def close(self):
            self.closed += 1

    body = Body()

    def app(environ, start_response):
        start_response("200 OK", [])
        return body

    try:
        Server(app).serve()
    except ValueError:
        assert fails
    assert body.closed == 1


def test_a_file_stays_a_file_for_the_server():
    class FileWrapper(list):
        pass

    def app(environ, start_response):
        start_response("200 OK", [])
        return environ["wsgi.file_wrapper"]([b"file"])

    server = Server(app)
    environ = {"wsgi.file_wrapper": FileWrapper}
    setup_testing_defaults(environ)
    server.measured.expect(queue_ns=2_500_000)
    assert isinstance(server.measured(environ, server.start_response), FileWrapper)
    assert STAMP.fullmatch(server.timings[0])
