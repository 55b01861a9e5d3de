"""Any WSGI app, with its times taken and, where wanted, told in a `Server-Timing` header.

The head of the response is held back until the first piece of the body is there, which is when servers send
it: so `app` in the header ends when the headers are sent, not when the app first names its status.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from threading import local
from typing import Any

Head = tuple[str, list[tuple[str, str]], object]
StartResponse = Callable[..., Callable[[bytes], object]]
WsgiApp = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


class Call:
    """The facts of one call of the app; None until they are known. Times are of the monotonic clock."""

    __slots__ = ("closed", "finished_ns", "queue_ns", "started_ns", "status")

    def __init__(self, queue_ns: int | None) -> None:
        self.queue_ns = queue_ns
        """None where the wait for a thread is unknown."""
        self.closed: Callable[[Call], None] | None = None
        """Called when the server has closed the response."""
        self.started_ns: int | None = None
        self.finished_ns: int | None = None
        self.status: int | None = None


class MeasuredApp:
    """A WSGI app that fills in a Call, which the server announces with `expect` in the same thread."""

    def __init__(self, app: WsgiApp, *, server_timing: bool) -> None:
        self._app = app
        self._server_timing = server_timing
        self._local = local()

    def expect(self, queue_ns: int | None) -> Call:
        """Prepare for the next call in this thread: a request that waited this long for the thread."""
        call = self._local.call = Call(queue_ns)
        return call

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Call the app as PEP 3333 says."""
        call: Call = self._local.call
        call.started_ns = time.monotonic_ns()
        response = _Response(call, start_response, server_timing=self._server_timing)
        body = self._app(environ, response.start)
        file_wrapper = environ.get("wsgi.file_wrapper")
        if isinstance(file_wrapper, type) and isinstance(body, file_wrapper):
            # The server sends a file by its descriptor, and only if it can see that it is one.
            response.release_head()
            return body
        response.take(body)
        return response


class _Response:
    """The app's response on its way to the server: an iterable that the server closes."""

    def __init__(self, call: Call, start_response: StartResponse, *, server_timing: bool) -> None:
        self._call = call
        self._start_response = start_response
        self._server_timing = server_timing
        self._head: Head | None = None
        self._released = False
        self._write: Callable[[bytes], object] | None = None

    def start(
        self, status: str, headers: list[tuple[str, str]], exc_info: object = None
    ) -> Callable[[bytes], object]:
        """Take the head from the app; it may replace one that is not sent yet only by giving exc_info."""
        if self._released:
            return self._start_response(status, headers, exc_info)
        if self._head is not None and exc_info is None:
            raise AssertionError("start_response was called again without exc_info")
        self._call.status = int(status[:3])
        self._head = (status, headers, exc_info)
        return self.write

    def write(self, data: bytes) -> None:
        """Send a piece of the body in the way that PEP 3333 keeps for old apps."""
        self.release_head()
        if self._write is not None:
            self._write(data)

    def release_head(self) -> None:
        """Hand the head to the server, with the times until now."""
        if self._released or self._head is None:
            return
        self._released = True
        status, headers, exc_info = self._head
        if self._server_timing:
            # A line of its own: an app's own Server-Timing stays, as HTTP has it for lists.
            headers = [*headers, ("Server-Timing", self._stamp())]
        self._write = self._start_response(status, headers, exc_info)

    def take(self, body: Iterable[bytes]) -> None:
        """Become the iterable for this body."""
        self._body = body
        self._pieces = iter(body)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            piece = next(self._pieces)
        except StopIteration:
            self.release_head()
            self._call.finished_ns = time.monotonic_ns()
            raise
        except Exception as error:
            if not self._released and not isinstance(error, OSError):
                self._call.status = 500  # what the server answers now; after an OSError it doesn't
            raise
        if not self._released:
            self.release_head()
        return piece

    def close(self) -> None:
        """Close the app's own iterable, as the server would have done."""
        close = getattr(self._body, "close", None)
        try:
            if close is not None:
                close()
        finally:
            if self._call.closed is not None:
                self._call.closed(self._call)

    def _stamp(self) -> str:
        app_ns = time.monotonic_ns() - (self._call.started_ns or 0)
        stamp = f"app;dur={app_ns / 1e6:.3f}"
        queue_ns = self._call.queue_ns
        return stamp if queue_ns is None else f"queue;dur={queue_ns / 1e6:.3f}, {stamp}"
