"""Files that people name, keep or change: one reader for all, and one way to keep what is private.

Only regular files, because a pipe or a device may never end, and never more than a limit. What can't be read
raises OSError with the reason in `strerror`, for the caller's sentence.
"""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO, TypeVar

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


def open_private(path: Path) -> BinaryIO:
    """Open a file to be written anew that its owner alone can read, and who shares its folder.

    A folder is shared where its set-group-ID bit is set, as `make up` sets it where the client container is
    another user.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(path, flags, 0o600)
    os.fchmod(descriptor, 0o640 if _is_shared(path.parent) else 0o600)
    return open(descriptor, "wb")  # noqa: PTH123 - it is open already


def make_private(folder: Path) -> None:
    """Make a folder that its owner alone can enter, and who shares the one that it is in."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700)
    if _is_shared(folder.parent):
        folder.chmod(0o2750)


def _is_shared(folder: Path) -> bool:
    return bool(folder.stat().st_mode & stat.S_ISGID)


def read_tail(path: Path | str, most_bytes: int) -> bytes:
    """Return the end of a file that may grow without a limit, as an app's log does."""
    with open(path, "rb") as file:  # noqa: PTH123 - as above
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - most_bytes))
        return file.read(most_bytes)


def read_json(path: Path | str, decoder: msgspec.json.Decoder[Kind], most_bytes: int = MOST_BYTES) -> Kind:
    """Return what a JSON file holds; raise OSError, or msgspec.DecodeError for its content."""
    return decode_json(read_bounded(path, most_bytes), decoder)


def decode_json(data: bytes, decoder: msgspec.json.Decoder[Kind]) -> Kind:
    """Return what this JSON holds; raise msgspec.DecodeError whatever is wrong with it."""
    try:
        return decoder.decode(data)
    except msgspec.ValidationError:
        raise
    except (UnicodeDecodeError, msgspec.DecodeError):
        if _is_utf8(data):
            raise
        raise msgspec.DecodeError("it is not UTF-8") from None
    except RecursionError:
        raise msgspec.DecodeError("it is nested too deeply") from None


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
