"""The lab's measures where gunicorn's workers are not the lab's own: what a WSGI app sees of its requests.

It sees when it is called and when its response is closed. It does not see how long a request waited for a
thread, how long it occupied one, or which connections are open: those are not told, rather than guessed.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any

from loadlab_target.measured_app import Call, MeasuredApp, StartResponse, WsgiApp
from loadlab_target.meters import AppMeters

UNSEEN = ("queue", "thread time", "busy threads", "connections")
"""What a result lacks of a target that is measured so."""


class Middleware:
    """Counts each call of an app once, however it ends; `meters` gives those of the process that asks."""

    def __init__(self, app: WsgiApp, *, meters: Callable[[], AppMeters], server_timing: bool) -> None:
        self._meters = meters
        self._measured = MeasuredApp(app, server_timing=server_timing)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Call the app as PEP 3333 says."""
        call = self._measured.expect(None)
        call.closed = self._count
        try:
            body = self._measured(environ, start_response)
        except BaseException as error:
            if not isinstance(error, OSError):  # an OSError the server does not answer
                call.status = 500
            self._count(call)
            raise
        wrapper = environ.get("wsgi.file_wrapper")
        if isinstance(wrapper, type) and isinstance(body, wrapper):
            self._count(call)  # the server sends the file by its descriptor; nothing tells when it has
        return body

    def _count(self, call: Call) -> None:
        handler_ns = time.monotonic_ns() - (call.started_ns or time.monotonic_ns())
        self._meters().request(status=call.status, handler_ns=handler_ns)
