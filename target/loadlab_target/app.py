"""The app that the lab loads unless it is given another: each path costs one known thing.

A parameter that can't be read is answered with 400 and one sentence that names it. Nothing here measures:
that is the server's work, so that any other app is measured in the same way.
"""

import os
import random
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TypeVar

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from loadlab_target.delays import DelayStream, parse_delay
from loadlab_target.quantities import (
    QuantityError,
    parse_duration_s,
    parse_ratio,
    parse_size_bytes,
    parse_whole,
)

T = TypeVar("T")

DEFAULT_DELAY = "100ms"
DEFAULT_SEED = 1
MAX_WORK_S = 10.0
MAX_SIZE_BYTES = 64 * 2**20
MAX_ECHO_BYTES = 2**20
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
_BLOCK = b"x" * 2**16


class ParameterError(Exception):
    """A query parameter that can't be used; the message is the whole sentence."""


def create_app(delay: str | None = None, seed: int | None = None, stream: str | None = None) -> Flask:
    """Make the app.

    What isn't given comes from the environment: the delay spec from TARGET_DELAY, the seed from TARGET_SEED,
    and from TARGET_STREAM the name that keeps the random draws of several workers apart.
    Raise QuantityError for a bad delay and for a seed that is no whole number.
    """
    default_delay = delay or os.environ.get("TARGET_DELAY") or DEFAULT_DELAY
    seed = parse_whole(os.environ.get("TARGET_SEED") or str(DEFAULT_SEED)) if seed is None else seed
    stream = stream or os.environ.get("TARGET_STREAM") or "1"
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = MAX_ECHO_BYTES
    errors = random.Random(f"{seed}/{stream}/error")

    # Each spec has a stream of its own, so what one caller asks for does not shift the draws of another.
    # The cache is bounded: a spec that comes back after 256 others starts its stream again.
    @lru_cache(maxsize=256)
    def delays(spec: str) -> DelayStream:
        return DelayStream(parse_delay(spec), seed=seed, name=f"{stream}/{spec}")

    delays(default_delay)  # a bad default fails here, not at the first request

    @app.route("/", methods=_METHODS)
    def hello() -> str:
        time.sleep(_parameter("delay", default_delay, delays).next_s())
        return "Hello!"

    @app.route("/cpu", methods=_METHODS)
    def cpu() -> str:
        work_s = _parameter("work", "5ms", lambda text: parse_duration_s(text, ceiling_s=MAX_WORK_S))
        return f"{burn_cpu(work_s) * 1e3:.3f}ms\n"

    @app.route("/bytes", methods=_METHODS)
    def some_bytes() -> Response:
        size_bytes = _parameter(
            "size", "64KiB", lambda text: parse_size_bytes(text, ceiling_bytes=MAX_SIZE_BYTES)
        )
        headers = {"Content-Length": str(size_bytes)}
        return Response(_blocks(size_bytes), mimetype="application/octet-stream", headers=headers)

    @app.route("/error", methods=_METHODS)
    def error() -> tuple[str, int]:
        ratio = _parameter("ratio", "1", parse_ratio)
        status = _parameter("status", "503", _error_status)
        return (f"{status} as asked\n", status) if errors.random() < ratio else ("Hello!", 200)

    @app.route("/echo", methods=_METHODS)
    def echo() -> Response:
        body = request.get_data()
        return jsonify(
            method=request.method,
            path=request.path,
            query=request.args.to_dict(flat=False),
            headers=dict(request.headers),
            body=body.decode("utf-8", errors="replace"),
            body_bytes=len(body),
        )

    @app.route("/healthz")
    def healthz() -> str:
        return "ok\n"

    @app.errorhandler(ParameterError)
    def bad_parameter(problem: ParameterError) -> tuple[str, int, dict[str, str]]:
        return f"{problem}\n", 400, {"Content-Type": "text/plain; charset=utf-8"}

    @app.errorhandler(RequestEntityTooLarge)
    def body_too_large(_: RequestEntityTooLarge) -> tuple[str, int, dict[str, str]]:
        sentence = f"The body is over the ceiling of {MAX_ECHO_BYTES} bytes.\n"
        return sentence, 413, {"Content-Type": "text/plain; charset=utf-8"}

    return app


def burn_cpu(work_s: float) -> float:
    """Keep this thread computing until it has used the given CPU time, and say what it used; both in seconds.

    CPU time of the thread, not time on the wall: threads that wait for one another are not let off.
    """
    started_s = time.thread_time()
    used_s = 0.0
    while used_s < work_s:
        sum(range(100))
        used_s = time.thread_time() - started_s
    return used_s


def _parameter(name: str, default: str, parse: Callable[[str], T]) -> T:
    try:
        return parse(request.args.get(name, default))
    except QuantityError as problem:
        raise ParameterError(f"The parameter {name} {problem}.") from None


def _error_status(text: str) -> int:
    if text.isascii() and text.isdigit() and 400 <= int(text[:4]) <= 599:
        return int(text)
    raise QuantityError(f"is {text!r}; give an error status from 400 to 599")


def _blocks(size_bytes: int) -> Iterator[bytes]:
    for _ in range(size_bytes // len(_BLOCK)):
        yield _BLOCK
    if rest_bytes := size_bytes % len(_BLOCK):
        yield _BLOCK[:rest_bytes]
