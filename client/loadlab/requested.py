"""What is requested: method, path, headers and body from options, or a mix of them from a file."""

import msgspec

from loadlab.errors import UsageError
from loadlab.fields import header_problem, host_problem, method_problem, not_a_header
from loadlab.files import read_bounded
from loadlab.plan import Request
from loadlab.ranges import weight_problem
from loadlab.url import origin_and_rest, request_target

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


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
    origin, own = origin_and_rest(base)
    if requests_file is None:
        content = _body(body)
        verb = _method(("POST" if content else "GET") if method is None else method, "--method")
        if path is not None and own != "/":
            raise UsageError(f"--path: --target {base} names a path already; leave one of them out")
        url = base if path is None else origin + _path(path, "--path")
        return (Request(method=verb, url=url, headers=common, body=content),)
    if (method, path, body) != (None, None, None):
        raise UsageError(
            "--requests-file: it gives path, method and body; leave out --path, --method and --body"
        )
    option = f"--requests-file: {requests_file}"
    if own != "/":
        raise UsageError(f"{option} gives paths, and so does --target {base}; give its host alone")
    return tuple(_of_entry(entry, origin, common, option) for entry in _file_requests(requests_file))


def _of_entry(entry: _FileRequest, origin: str, common: tuple[tuple[str, str], ...], option: str) -> Request:
    own = entry.headers.items()
    headers = (*common, *own)
    problems = [
        *(header_problem(name, value, option) for name, value in own),
        host_problem([name for name, _ in headers], option),
        weight_problem(option, entry.weight),
    ]
    for problem in problems:
        if problem is not None:
            raise UsageError(problem)
    return Request(
        method=_method(entry.method, option),
        url=origin + _path(entry.path, option),
        headers=headers,
        body=entry.body.encode(),
        weight=entry.weight,
    )


def _file_requests(name: str) -> list[_FileRequest]:
    try:
        text = read_bounded(name).removeprefix(_BYTE_ORDER_MARK).decode()
        return msgspec.json.decode(text, type=list[_FileRequest])
    except OSError as error:
        raise UsageError(f"--requests-file: {name} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"--requests-file: {name} is not UTF-8") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise UsageError(
            f"--requests-file: {name} is not a JSON list of objects with path, method, headers, body and"
            f" weight: {error}"
        ) from None


def _path(text: str, option: str) -> str:
    if not text.startswith("/"):
        raise UsageError(f"{option}: {text!r} must start with /")
    try:
        request_target(text)
    except ValueError as error:
        raise UsageError(f"{option}: {text!r} {error}") from None
    return text


def _method(text: str, option: str) -> str:
    method = text.upper() if text.isascii() else text
    if problem := method_problem(method, option):
        raise UsageError(problem.replace(repr(method), repr(text)))
    return method


def _header(line: str, option: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    header = name.strip(" \t"), value.strip(" \t")
    problem = header_problem(*header, option) if colon else not_a_header(line, option)
    if problem:
        raise UsageError(problem)
    return header


def _body(text: str | None) -> bytes:
    if text is None:
        return b""
    if not text.startswith("@"):
        return text.encode(errors="surrogateescape")  # the bytes that were written, UTF-8 or not
    try:
        return read_bounded(text[1:])
    except OSError as error:
        raise UsageError(f"--body: {text[1:]} cannot be read: {error.strerror}") from None
