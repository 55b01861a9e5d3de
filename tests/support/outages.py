"""A server that can go away and come back on the same port, hang, or take no further connection."""

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Iterator

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Restartable:
    """Answers every request after `delay_s`, a thread per connection."""

    def __init__(self, delay_s: float = 0.01, port: int = 0) -> None:
        self._delay_s = delay_s
        self._listener = self._listen(port)
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self.accepted = 0
        self.hangs = False
        """Whether requests are read and not answered."""
        self.away_s = 0.0
        """How long it really was away."""
        self._answered_s: list[float] = []
        self._connections: list[socket.socket] = []
        self._accept()

    def go(self) -> None:
        """Close the listener and every connection: from now on connections are refused."""
        self.take_no_more()
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._connections.clear()

    def take_no_more(self) -> None:
        """Close the listener alone: connections that are there are still answered."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def come_back(self) -> None:
        """Listen on the same port again."""
        self._listener = self._listen(self.port)
        self._accept()

    def be_away(self, for_s: float) -> None:
        """Go, and come back after so long."""
        self.go()
        went_s = time.monotonic()
        time.sleep(for_s)
        self.away_s = time.monotonic() - went_s
        self.come_back()

    @property
    def answers(self) -> int:
        """How many requests it has answered."""
        return len(self._answered_s)

    @property
    def longest_pause_s(self) -> float:
        """The longest time between two of its answers."""
        return max(later - earlier for earlier, later in itertools.pairwise(sorted(self._answered_s)))

    def hang(self, for_s: float) -> None:
        """Read requests and answer none, for so long."""
        self.hangs = True
        time.sleep(for_s)
        self.hangs = False

    def _listen(self, port: int) -> socket.socket:
        return socket.create_server(("127.0.0.1", port), backlog=512)

    def _accept(self) -> None:
        threading.Thread(target=self._accepting, args=(self._listener,), daemon=True).start()

    def _accepting(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                self.accepted += 1
                self._connections.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while connection.recv(65536):
                if self.hangs:
                    continue
                time.sleep(self._delay_s)
                self._answered_s.append(time.monotonic())
                connection.sendall(OK)


@contextlib.contextmanager
def restartable(delay_s: float = 0.01) -> Iterator[Restartable]:
    """Serve until the block is left."""
    server = Restartable(delay_s)
    try:
        yield server
    finally:
        server.go()
