"""What is requested: method, path, headers and body from options, or a mix of them from a file."""

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from loadlab.errors import UsageError
from loadlab.system.files import decode_json, read_bounded
from loadlab.workload.fields import header_problem, host_problem, method_problem, no_colon
from loadlab.workload.masking import masked_query, masked_url
from loadlab.workload.plan import Request
from loadlab.workload.ranges import weight_problem
from loadlab.workload.url import origin_and_rest, request_target

_MOST_HEADER_BYTES = 1 << 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class _FileRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of a requests file."""

    path: str = "/"
    method: str = "GET"
    headers: dict[str, str] = {}
    body: str = ""
    weight: float = 1.0


_MIX: msgspec.json.Decoder[list[_FileRequest]] = msgspec.json.Decoder(list[_FileRequest])


class Headers(NamedTuple):
    """The header lines of every request, and the names of those that came from where secrets are kept."""

    lines: tuple[tuple[str, str], ...]
    secret: tuple[str, ...]


def headers_of(
    header: Iterable[str], header_env: Iterable[str] = (), environ: Mapping[str, str] = os.environ
) -> Headers:
    """Read `--header` and `--header-env`: what comes from a file or a variable is a secret."""
    lines, hidden = [], []
    for each in header:
        if each.startswith("@"):
            hidden += list(_of_file(each[1:]))
        else:
            lines.append(_header(each, "--header"))
    hidden += [_of_variable(each, environ) for each in header_env]
    return Headers((*lines, *hidden), tuple(dict.fromkeys(name for name, _ in hidden)))


def _of_file(name: str) -> Iterator[tuple[str, str]]:
    option = f"--header: @{name}"
    try:
        text = read_bounded(name, _MOST_HEADER_BYTES).removeprefix(_BYTE_ORDER_MARK).decode()
    except OSError as error:
        raise UsageError(f"{option} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{option} is not UTF-8") from None
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            yield _header(line, f"{option}, line {number}")


def _of_variable(text: str, environ: Mapping[str, str]) -> tuple[str, str]:
    name, _, variable = text.partition("=")
    if not variable:
        raise UsageError("--header-env: write NAME=VARIABLE, as in Authorization=API_TOKEN")
    value = environ.get(variable, "").strip(" \t")
    if not value:
        raise UsageError(f"--header-env: the variable for {name} is not set, or empty")
    if problem := header_problem(name, value, "--header-env"):
        raise UsageError(problem)
    return name, value


def requested(
    base: str,
    *,
    path: str | None,
    method: str | None,
    headers: tuple[tuple[str, str], ...],
    body: str | None,
    requests_file: str | None,
) -> tuple[Request, ...]:
    """Return what is requested of the target at this base URL, from the options of these names."""
    origin, own = origin_and_rest(base)
    if requests_file is None:
        content = _body(body)
        verb = _method(("POST" if content else "GET") if method is None else method, "--method")
        if path is not None and own != "/":
            raise UsageError(
                f"--path: --target {masked_url(base)} names a path already; leave one of them out"
            )
        url = base if path is None else origin + _path(path, "--path")
        return (Request(method=verb, url=url, headers=headers, body=content),)
    if (method, path, body) != (None, None, None):
        raise UsageError(
            "--requests-file: it gives path, method and body; leave out --path, --method and --body"
        )
    option = f"--requests-file: {requests_file}"
    if own != "/":
        raise UsageError(
            f"{option} gives paths, and so does --target {masked_url(base)}; give its host alone"
        )
    return tuple(_of_entry(entry, origin, headers, option) for entry in _file_requests(requests_file))


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
        return decode_json(read_bounded(name).removeprefix(_BYTE_ORDER_MARK), _MIX)
    except OSError as error:
        raise UsageError(f"--requests-file: {name} cannot be read: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise UsageError(
            f"--requests-file: {name} is not a JSON list of objects with path, method, headers, body and"
            f" weight: {error}"
        ) from None


def _path(text: str, option: str) -> str:
    if not text.startswith("/"):
        raise UsageError(f"{option}: {masked_url(text)!r} must start with /")
    try:
        request_target(text)
    except ValueError as error:
        raise UsageError(f"{option}: {masked_query(text)!r} {error}") from None
    return text


def _method(text: str, option: str) -> str:
    method = text.upper() if text.isascii() else text
    if problem := method_problem(method, option):
        raise UsageError(problem.replace(repr(method), repr(text)))
    return method


def _header(line: str, option: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    header = name.strip(" \t"), value.strip(" \t")
    problem = header_problem(*header, option) if colon else no_colon(option)
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
