"""A plan as it is kept and told: without the credentials that it is carried with.

A plan is sent to workers, to an agent and into a container as it is. What is written or told has a
`KeptPlan`. Where something is masked it can't be carried again: `Plan.problems` says which values it lacks.
"""

import binascii
import itertools
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

import msgspec

from loadlab.workload.masking import (
    MASK,
    USERINFO,
    Secrets,
    is_secret_header,
    masked_url,
    query_secrets,
    without_userinfo,
)
from loadlab.workload.plan import Plan, Request


class KeptPlan(Plan, frozen=True, kw_only=True):
    """A plan with its credentials masked, and with the length of each body in its place."""


def kept(plan: Plan) -> KeptPlan:
    """Return the plan without its credentials."""
    hidden = {
        "target": masked_url(plan.target, plan.secret_query),
        "requests": tuple(_kept(request, plan) for request in plan.requests),
    }
    return KeptPlan(**{name: getattr(plan, name) for name in Plan.__struct_fields__} | hidden)


def _kept(request: Request, plan: Plan) -> Request:
    headers = tuple(
        (name, MASK if is_secret_header(name, plan.secret_headers) else without_userinfo(value))
        for name, value in request.headers
    )
    kept = msgspec.structs.replace(request, url=masked_url(request.url, plan.secret_query), headers=headers)
    if plan.keep_bodies or not request.body:
        return kept
    return msgspec.structs.replace(kept, body=b"", body_bytes=len(request.body))


def secrets_of(plan: Plan) -> Secrets:
    """Return what must not be shown of a plan, to be looked for in what others write."""
    return secrets_of_parts(
        urls=(plan.target, *(request.url for request in plan.requests)),
        headers=[line for request in plan.requests for line in request.headers],
        bodies=()
        if plan.keep_bodies
        else [request.body.decode(errors="surrogateescape") for request in plan.requests],
        secret_headers=plan.secret_headers,
        secret_query=plan.secret_query,
    )


def secrets_of_parts(
    *,
    urls: Iterable[str],
    headers: Iterable[tuple[str, str]],
    bodies: Iterable[str],
    secret_headers: Iterable[str],
    secret_query: Iterable[str],
) -> Secrets:
    """Return what must not be shown of these parts of requests."""
    values = list(bodies)
    for url in urls:
        values += [*_of_userinfo(url), *query_secrets(url, secret_query)]
    for name, value in headers:
        if is_secret_header(name, secret_headers):
            values += _of_header(name, value)
        else:
            values += itertools.chain.from_iterable(map(_of_userinfo, USERINFO.findall(value)))
    return Secrets(values, query=secret_query)


def _userinfo_of(url: str) -> str:
    """Return the userinfo of a URL, with or without its scheme; empty where it has none."""
    _, separator, rest = url.partition("://")
    return re.split("[/?#]", rest if separator else url, maxsplit=1)[0].rpartition("@")[0]


def _of_userinfo(url: str) -> list[str]:
    userinfo = _userinfo_of(url)
    password = userinfo.partition(":")[2]
    return [userinfo, password, b64encode(unquote_to_bytes(userinfo.encode(errors="replace"))).decode()]


def _of_header(name: str, value: str) -> list[str]:
    """Return the value, and what it consists of: what is behind a scheme, the cookies' own values."""
    if name.lower() == "cookie":
        return [value, *(cookie.partition("=")[2].strip() for cookie in value.split(";"))]
    scheme, _, credentials = value.partition(" ")
    if scheme.lower() == "basic":
        return [value, credentials, *_of_basic(credentials)]
    return [value, credentials]


def _of_basic(credentials: str) -> list[str]:
    try:
        plain = b64decode(credentials, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return []
    return [plain, plain.partition(":")[2]]
