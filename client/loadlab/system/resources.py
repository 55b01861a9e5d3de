"""What a client can run out of, by the error that says so. Pure.

An error of this kind tells about this machine and never about the target. One taxonomy for connections,
worker processes, threads and probes: the same shortage has the same name and the same advice everywhere.
"""

import errno
import os
import socket
from collections.abc import Iterator
from enum import StrEnum
from typing import Final


class Resource(StrEnum):
    """Something that a client needs and the system limits."""

    PORTS = "local ports"
    FILES = "open files"
    TASKS = "processes and threads"
    MEMORY = "memory"
    BUFFERS = "socket buffers"
    RESOLVER = "the name resolver"


_BY_ERRNO: Final = {
    errno.EADDRNOTAVAIL: Resource.PORTS,
    errno.EMFILE: Resource.FILES,
    errno.ENFILE: Resource.FILES,
    errno.ENOMEM: Resource.MEMORY,
    errno.ENOBUFS: Resource.BUFFERS,
}
_BY_LOOK_UP: Final = {
    socket.EAI_AGAIN: Resource.RESOLVER,
    socket.EAI_MEMORY: Resource.MEMORY,
}

_WHAT_TO_DO: Final = {
    Resource.PORTS: "keep connections (no --no-keep-alive), {less}, or widen net.ipv4.ip_local_port_range",
    Resource.FILES: "raise the limit with `ulimit -n`, use more --processes, or {less}",
    Resource.TASKS: "raise the limit (`ulimit -u`, a container's --pids-limit), or use fewer --processes or"
    " users of `threads`",
    Resource.MEMORY: "raise the limit (`ulimit -v`, CLIENT_MEMORY), use fewer --processes, or {less}",
    Resource.BUFFERS: "raise net.ipv4.tcp_mem, or {less}",
    Resource.RESOLVER: "name the target by its address, or look at /etc/resolv.conf and its name server",
}


_IN_WORDS: Final = (
    ("can't start new thread", Resource.TASKS),
    (os.strerror(errno.EAGAIN), Resource.TASKS),
    (os.strerror(errno.EMFILE), Resource.FILES),
    (os.strerror(errno.ENOMEM), Resource.MEMORY),
    ("MemoryError", Resource.MEMORY),
)


def resource_of(error: BaseException | None, *, starting: bool = False) -> Resource | None:
    """Return what had run out where this error was raised; None where it says nothing of this machine.

    `starting` is for an error that kept a process or a thread from being started.
    """
    for each in causes(error):
        if found := _resource(each, starting=starting):
            return found
    return None


def _resource(error: BaseException, *, starting: bool) -> Resource | None:
    match error:
        case MemoryError():
            return Resource.MEMORY
        case RuntimeError() if "can't start new thread" in str(error):
            return Resource.TASKS
        case socket.gaierror():
            return _BY_LOOK_UP.get(error.errno or 0)
        case OSError(errno=errno.EAGAIN):  # connect(2): no free port; fork(2), clone(2): no process more
            return Resource.TASKS if starting else Resource.PORTS
        case OSError(errno=int(number)):
            return _BY_ERRNO.get(number)
    return None


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Give an error and what led to it, the outermost first, each once."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def resource_named(said: str) -> Resource | None:
    """Return what had run out where another process of this machine ended with these last words."""
    return next((resource for words, resource in _IN_WORDS if words in said), None)


_LESS: Final = "ask for fewer requests at once"


def what_to_do(resource: Resource, *, less: str = _LESS) -> str:
    """Say what to do where this has run out; `less` says how the load asks for less, where that is known."""
    return _WHAT_TO_DO[resource].format(less=less)


def shortage(resource: Resource, available: int | None = None, *, less: str = _LESS) -> str:
    """Say what has run out, how much there is, if that is known, and what to do.

    `less` says how this load asks for less, where it is known: only an open load has a rate.
    """
    verb = "failed for a reason of this machine" if resource is Resource.RESOLVER else "ran out"
    return f"{resource} {verb}{_amount(resource, available)}: {what_to_do(resource, less=less)}"


def _amount(resource: Resource, available: int | None) -> str:
    if available is None:
        return ""
    if resource is Resource.MEMORY:
        return f" (the limit is {available / (1 << 20):,.0f} MiB)"
    return f" (the limit is {available:,})"
