"""Where the target listens: HOST:PORT as text, as a bound socket, as a URL."""

import socket
from dataclasses import dataclass


class AddressError(Exception):
    """An address that can't be used; the message is one sentence without its subject."""


@dataclass(frozen=True)
class Address:
    """A host and a port; port 0 means any that is free."""

    host: str
    port: int


def parse_address(text: str) -> Address:
    """Read `127.0.0.1:8000`, `localhost:0` or `[::1]:8000`; raise AddressError for anything else."""
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    plausible = bool(host) and (bracketed or ":" not in host)
    if not (colon and plausible and port.isascii() and port.isdigit() and int(port) <= 65535):
        raise AddressError(f"{text!r} is not HOST:PORT, such as 127.0.0.1:8000 (port 0: any that is free)")
    return Address(host.strip("[]"), int(port))


def bind(address: Address) -> socket.socket:
    """Bind a TCP socket without listening yet; raise AddressError, at once, if it can't be had.

    gunicorn itself would try a taken port for five seconds.
    """
    try:
        family, kind, protocol, _, name = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(name)
        except OSError:
            bound.close()
            raise
    except OSError as error:
        # gaierror is an OSError too; both carry the plain words in strerror.
        raise AddressError(f"can't listen on {address.host}:{address.port}: {error.strerror}") from None
    return bound


def url_of(bound: socket.socket) -> str:
    """Give the URL under which this machine reaches a bound socket."""
    host, port = bound.getsockname()[:2]
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"
