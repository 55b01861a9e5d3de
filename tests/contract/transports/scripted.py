"""A TCP server that plays a script on each connection, and keeps what it was sent."""

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

PATIENCE_S = 60
"""No wait in this suite is longer."""


@dataclass(frozen=True)
class Received:
    """A request as it came over the wire, and on which connection, counted from 0."""

    connection: int
    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    head: bytes = b""
    """The bytes before the body, without the blank line."""

    def named(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]


@dataclass
class Peer:
    """One accepted connection, as a script sees it."""

    sock: socket.socket
    number: int
    server: "ScriptedServer"
    _pending: bytes = field(default=b"")

    def read(self) -> Received | None:
        """Take in the next request; None where the client has hung up instead."""
        while b"\r\n\r\n" not in self._pending:
            if not self._more():
                return None
        head, _, self._pending = self._pending.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _version = first.split(" ")
        headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
        while len(self._pending) < length:
            if not self._more():
                return None
        body, self._pending = self._pending[:length], self._pending[length:]
        received = Received(self.number, method, target, headers, body, head)
        self.server.received.append(received)
        return received

    def _more(self) -> bool:
        data = self.sock.recv(1 << 16)
        self._pending += data
        return bool(data)

    def say(self, data: bytes) -> None:
        self.sock.sendall(data)

    def hang_up(self) -> None:
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def pause(self, seconds: float) -> None:
        self.server.over.wait(seconds)

    def wait_for_end(self) -> None:
        """Wait until the client has closed its side."""
        while self._more():
            pass
        self.server.ended.release()


Script = Callable[[Peer], None]


def answers(response: bytes) -> Script:
    """Answer every request with the same bytes, on a kept-alive connection."""

    def script(peer: Peer) -> None:
        while peer.read():
            peer.say(response)
        peer.server.ended.release()

    return script


def once(*parts: bytes, gap_s: float = 0) -> Script:
    """Answer one request in parts, then hang up."""

    def script(peer: Peer) -> None:
        peer.read()
        for part in parts:
            peer.say(part)
            peer.pause(gap_s)

    return script


class ScriptedServer:
    """Listens on loopback; the n-th connection plays the n-th script, later ones play the last."""

    def __init__(
        self, *scripts: Script, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
    ) -> None:
        self._scripts = scripts
        self._tls = tls
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=512)
        scheme = "http" if tls is None else "https"
        netloc = f"[{host}]" if ":" in host else host
        self.url = f"{scheme}://{netloc}:{self._listener.getsockname()[1]}/"
        self.received: list[Received] = []
        self.accepted = 0
        self.over = threading.Event()
        self.ended = threading.Semaphore(0)
        """Released once for each connection that a script saw the client close."""
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            number, self.accepted = self.accepted, self.accepted + 1
            thread = threading.Thread(target=self._play, args=(sock, number), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _play(self, sock: socket.socket, number: int) -> None:
        sock.settimeout(PATIENCE_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        script = self._scripts[min(number, len(self._scripts) - 1)]
        try:
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_side=True)
            script(Peer(sock, number, self))
        except ConnectionError:
            self.ended.release()
        except OSError:
            pass
        finally:
            sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
