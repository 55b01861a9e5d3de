"""System calls that fail as they do where this machine has not enough: for one thread and those it starts."""

import ctypes
import platform
import struct
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_NUMBERS = {
    "x86_64": {"socket": 41, "connect": 42, "write": 1, "writev": 20, "sendto": 44, "sendmsg": 46},
    "aarch64": {"socket": 198, "connect": 203, "write": 64, "writev": 66, "sendto": 206, "sendmsg": 211},
}[platform.machine()]
SEND = ("write", "writev", "sendto", "sendmsg")
"""What a request may be written with."""
_WAKE_UP_BYTES = 8
"""Loops write so much to themselves, to be woken."""
_HAS_LENGTH = {"write", "sendto"}
_LOAD, _IF_EQUAL, _IF_GREATER, _RETURN = 0x20, 0x15, 0x25, 0x06
_NUMBER_AT, _LENGTH_AT = 0, 32
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000
_SET_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2


def fail(calls: tuple[str, ...], number: int) -> None:
    """Have these calls fail with this errno in this thread for good (seccomp(2)); it can't be undone."""
    lines = []
    for call in calls:
        test = [(_LOAD, 0, 0, _LENGTH_AT), (_IF_GREATER, 0, 1, _WAKE_UP_BYTES)] * (call in _HAS_LENGTH)
        lines += [
            (_LOAD, 0, 0, _NUMBER_AT),
            (_IF_EQUAL, 0, len(test) + 1, _NUMBERS[call]),
            *test,
            (_RETURN, 0, 0, _FAIL | number),
        ]
    lines.append((_RETURN, 0, 0, _ALLOW))
    program = b"".join(struct.pack("HBBI", *line) for line in lines)
    held = ctypes.create_string_buffer(program, len(program))
    libc = ctypes.CDLL(None, use_errno=True)
    header = ctypes.create_string_buffer(struct.pack("HP", len(lines), ctypes.addressof(held)))
    for asked in ((_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0), (_SET_SECCOMP, _FILTER, ctypes.byref(header), 0, 0)):
        if libc.prctl(*asked):
            raise OSError(ctypes.get_errno(), "prctl")


def where_calls_fail(calls: tuple[str, ...], number: int, work: Callable[[], T]) -> T:
    """Do this in a thread in which these calls fail with this errno, and in what threads it starts."""
    done: list[T] = []

    def within() -> None:
        fail(calls, number)
        done.append(work())

    thread = threading.Thread(target=within)
    thread.start()
    thread.join()
    (result,) = done
    return result
