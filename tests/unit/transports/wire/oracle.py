"""What h11 reads from the same bytes."""

import h11

from loadlab.recording.sample import Outcome, Reply
from loadlab.transports.server_timing import inside_ns
from support.replies import BROKEN


def h11_reads(data: bytes, *, bodiless: bool = False, ends: bool = False) -> Reply | None:
    """The reply that h11 makes of a stream, None where it waits for more; every status is expected."""
    client = h11.Connection(h11.CLIENT, max_incomplete_event_size=64 * 1024)
    client.send(h11.Request(method="HEAD" if bodiless else "GET", target="/", headers=[("Host", "h")]))
    client.send(h11.EndOfMessage())
    status = body_bytes = told_ns = 0
    try:
        if data:
            client.receive_data(data)
        if ends:
            client.receive_data(b"")
        while True:
            match client.next_event():
                case h11.NEED_DATA:
                    return None
                case h11.Response(status_code=status, headers=headers):
                    told_ns = stamp(list(headers), bodiless=bodiless or status in (204, 304))
                case h11.Data(data=part):
                    body_bytes += len(part)
                case h11.EndOfMessage():
                    return Reply(Outcome.OK, status, body_bytes, told_ns)
                case h11.ConnectionClosed() | h11.PAUSED:
                    return BROKEN
    except h11.RemoteProtocolError:
        return BROKEN


def stamp(headers: list[tuple[bytes, bytes]], *, bodiless: bool) -> int:
    """The target's stamp in these headers, where they tell how long the whole answer is."""
    names = [name for name, _ in headers]
    if not bodiless and (b"content-length" not in names or b"transfer-encoding" in names):
        return 0
    return inside_ns([value.decode("latin-1") for name, value in headers if name == b"server-timing"])
