"""Files that people name, keep or change: one reader for all.

Only regular files, because a pipe or a device may never end, and never more than a limit. What can't be read
raises OSError with the reason in `strerror`, for the sentence of whoever needs the file.
"""

import errno
import os
import stat
from pathlib import Path
from typing import TypeVar

import msgspec

MOST_BYTES = 256 << 20
Kind = TypeVar("Kind")


def read_bounded(path: Path | str, most_bytes: int = MOST_BYTES) -> bytes:
    """Return a file's content."""
    # A pipe without a writer would not even open.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:  # noqa: PTH123 - it is open already
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "not a regular file")
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise OSError(errno.EFBIG, f"larger than {most_bytes >> 20} MiB")
    return data


def read_json(path: Path | str, decoder: msgspec.json.Decoder[Kind], most_bytes: int = MOST_BYTES) -> Kind:
    """Return what a JSON file holds; raise OSError, or msgspec.DecodeError for its content."""
    data = read_bounded(path, most_bytes)
    try:
        return decoder.decode(data)
    except UnicodeDecodeError:
        raise msgspec.DecodeError("it is not UTF-8") from None
    except RecursionError:
        raise msgspec.DecodeError("it is nested too deeply") from None
