"""What is requested: method, path, headers and body from options, or a mix of them from a file."""

import math
import re
from pathlib import Path

import msgspec

from loadlab.errors import UsageError
from loadlab.plan import Request

_METHOD = re.compile(r"[A-Za-z]+")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_BLANK = re.compile(r"[\x00-\x20\x7f]")


class _FileRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of a requests file."""

    path: str = "/"
    method: str = "GET"
    headers: dict[str, str] = {}
    body: str = ""
    weight: float = 1.0


def requested(
    base: str,
    *,
    path: str | None,
    method: str | None,
    header: tuple[str, ...],
    body: str | None,
    requests_file: str | None,
) -> tuple[Request, ...]:
    """Return what is requested of the target at this base URL, from the options of these names."""
    common = tuple(_header(line, "--header") for line in header)
    if requests_file is None:
        content = _body(body)
        verb = _method(("POST" if content else "GET") if method is None else method, "--method")
        if path is not None and base.rstrip("/") != _origin(base):
            raise UsageError(f"--path: --target {base} names a path already; leave one of them out")
        url = base if path is None else _origin(base) + _rooted(path, "--path")
        return (Request(method=verb, url=url, headers=common, body=content),)
    if (method, path, body) != (None, None, None):
        raise UsageError(
            "--requests-file: it gives path, method and body; leave out --path, --method and --body"
        )
    made = []
    option = f"--requests-file: {requests_file}"
    for entry in _file_requests(requests_file):
        if not 0 < entry.weight < math.inf:
            raise UsageError(f"{option}: a weight must be more than 0 and finite")
        made.append(
            Request(
                method=_method(entry.method, option),
                url=_origin(base) + _rooted(entry.path, option),
                headers=(
                    *common,
                    *(_header(f"{name}: {value}", option) for name, value in entry.headers.items()),
                ),
                body=entry.body.encode(),
                weight=entry.weight,
            )
        )
    return tuple(made)


def _file_requests(name: str) -> list[_FileRequest]:
    try:
        return msgspec.json.decode(Path(name).read_bytes(), type=list[_FileRequest])
    except OSError as error:
        raise UsageError(f"--requests-file: {name} cannot be read: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise UsageError(
            f"--requests-file: {name} is not a JSON list of objects with path, method, headers, body and"
            f" weight: {error}"
        ) from None


def _origin(base: str) -> str:
    scheme, _, rest = base.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def _rooted(path: str, option: str) -> str:
    if not path.startswith("/"):
        raise UsageError(f"{option}: {path!r} must start with /")
    if _BLANK.search(path):
        raise UsageError(f"{option}: {path!r} holds a blank or a control character; write %20 for a blank")
    return path


def _method(text: str, option: str) -> str:
    if not _METHOD.fullmatch(text):
        raise UsageError(f"{option}: {text!r} is not an HTTP method, such as GET or POST")
    return text.upper()


_FRAMING = ("content-length", "transfer-encoding", "connection")


def _header(line: str, option: str) -> tuple[str, str]:
    if problem := header_problem(line, option):
        raise UsageError(problem)
    name, _, value = line.partition(":")
    return name.strip(), value.strip()


def header_problem(line: str, option: str) -> str | None:
    """Say what keeps `Name: value` from being sent, None where nothing does."""
    name, colon, value = line.partition(":")
    if not colon or not _HEADER_NAME.fullmatch(name.strip()) or _CONTROL.search(value):
        return f"{option}: {line!r} is not a header; write 'Name: value'"
    if name.strip().lower() == "connection" and value.strip().lower() == "close":
        return None
    if name.strip().lower() in _FRAMING:
        return f"{option}: {name.strip()} is set by the transport, from the body; leave it out"
    return None


def _body(text: str | None) -> bytes:
    if text is None:
        return b""
    if not text.startswith("@"):
        return text.encode()
    try:
        return Path(text[1:]).read_bytes()
    except OSError as error:
        raise UsageError(f"--body: {text[1:]} cannot be read: {error.strerror}") from None
