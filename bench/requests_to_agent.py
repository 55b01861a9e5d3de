"""Requests to the agent's API for hypothesis: by the schema of what it takes, and past it."""

import json
from typing import Any, NamedTuple

import msgspec
from hypothesis import strategies as st

from loadlab.agent.run_request import PostedRun
from loadlab.options.load import RunOptions, build_plan
from loadlab.scenarios import names
from loadlab.workload.capacity import Capacity

Json = Any
Documents = st.SearchStrategy[Json]
MOST_PROCESSES = 4
"""More would be taken, and only cost the machine."""

NUMBERS = st.one_of(
    st.integers(-2, 300),
    st.sampled_from([10**6, 10**9, 10**12, 2**31, 2**53, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**40]),
    st.floats(allow_nan=False, allow_infinity=False),
)
TEXTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["0", "1", "-1", "1,2,8", "0:50", "1e999", "9" * 30, "١٢", "exp:1s", "@/etc/passwd"]),
    st.sampled_from(["1s", "1ms", "0s", "-1s", "2h", "none", "1%", "200-399", "poisson", "wait", "open"]),
    st.sampled_from(["/", "//x", "http://evil.example/", "A: b", "Host: x", "A: b\r\nC: d", "x" * 5000]),
)
SIMPLE = {
    "string": TEXTS,
    "integer": NUMBERS.filter(lambda number: isinstance(number, int)),
    "number": NUMBERS,
    "boolean": st.booleans(),
    "null": st.none(),
}
"""Values of a schema's types, most of them none that the plan takes."""
ANY = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


class Ask(NamedTuple):
    """A request, as its bytes."""

    method: str
    data: bytes


def requests_of(target: str, token: str) -> st.SearchStrategy[Ask]:
    """Give requests of all sorts to an agent that loads this target and has this token."""
    return st.one_of(_posts(target, token), _posts(target, token), _others(token))


@st.composite
def _posts(draw: st.DrawFn, target: str, token: str) -> Ask:
    """Give something that is posted to start a run."""
    valid = st.sampled_from(valid_runs(target))
    document = st.one_of(changed(valid), changed(valid), by_schema(), ANY).map(_spared)
    body = draw(st.one_of(*[document.map(_encoded)] * 9, st.binary(max_size=60), _nested()))
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    return _ask("POST", "/api/runs", headers, body)


@st.composite
def _others(draw: st.DrawFn, token: str) -> Ask:
    """Give any method on any path, with headers of all sorts."""
    words = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30)
    value = st.one_of(words, st.sampled_from(["0", "-1", "9" * 25, "null", "http://evil.example", "chunked"]))
    name = st.sampled_from(["%2e%2e", "..", "a" * 3000, "20260101-000000-pool-aaaa", "index.html"]) | words
    path = draw(
        st.one_of(
            st.sampled_from(["/", "/healthz", "/metrics", "/api/state", "/api/runs", "/api/events", "*"]),
            name.map("/static/{}".format),
            name.map("/api/runs/{}/result.json".format),
            name.map("/api/runs/{}/events".format),
            name.map("/api/runs/{}/stop".format),
            value.map("/api/runs?limit={}".format),
            words.map("/{}".format),
        )
    )
    method = draw(st.sampled_from(["GET", "GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "X"]))
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    known = ["Host", "Origin", "Authorization", "Content-Type", "Sec-Fetch-Site", "Last-Event-ID"]
    known += ["If-None-Match", "Range", "Accept-Encoding", "Expect", "Cookie", "X-HTTP-Method-Override"]
    headers |= draw(st.dictionaries(st.sampled_from(known), value, max_size=3))
    return _ask(method, path, headers, draw(st.binary(max_size=20)) if method == "POST" else b"")


def _ask(method: str, path: str, headers: dict[str, str], body: bytes) -> Ask:
    named = {"Host": "localhost"} | headers | {"Content-Length": str(len(body)), "Connection": "close"}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items())]
    return Ask(method, "\r\n".join([*lines, "", ""]).encode() + body)


def valid_runs(target: str) -> list[Json]:
    """Return what may be posted as it stands: options, and plans of every scenario."""
    options: list[dict[str, Json]] = [{"scenario": name} for name in names()]
    options += [
        {"scenario": "task", "transport": "null", "delay": "1ms", "concurrency": "1", "duration": "1s"},
        {"scenario": "callback", "workload": "open", "rate": "10", "duration": "1s", "arrivals": "poisson"},
        {"scenario": "pool", "workload": "batch", "requests": "4,8", "processes": "2", "header": ["A: b"]},
        {"scenario": "task", "think": "exp:1s", "ramp_up": "1s", "warmup": "1s", "path": "/x", "body": "y"},
    ]
    room = Capacity(cpus=2.0, open_files=1024)
    plans = [
        build_plan(msgspec.convert(each, RunOptions), target, room) for each in options if "delay" not in each
    ]
    return [{"options": each} for each in options] + [{"plan": msgspec.to_builtins(plan)} for plan in plans]


@st.composite
def changed(draw: st.DrawFn, documents: Documents) -> Json:
    """Give a document with one to three of its parts replaced, left out, or added."""
    document = json.loads(json.dumps(draw(documents)))
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(document))
        holder, key = draw(st.sampled_from(places))
        match draw(st.sampled_from(["replace", "replace", "drop", "add"])):
            case "drop":
                del holder[key]
            case "add" if isinstance(holder, dict):
                holder[draw(st.text(max_size=8))] = draw(ANY)
            case _:
                holder[key] = draw(st.one_of(NUMBERS, TEXTS, ANY))
        if not document:
            break
    return document


def _places(document: Json) -> list[tuple[Json, Json]]:
    """Return each part of a document as its holder and the key in it."""
    inside = document.items() if isinstance(document, dict) else enumerate(document)
    found: list[tuple[Json, Json]] = []
    for key, value in inside:
        found.append((document, key))
        if isinstance(value, dict | list):
            found += _places(value)
    return found


def by_schema() -> Documents:
    """Give documents of the schema of what may be posted."""
    (root,), named = msgspec.json.schema_components([PostedRun], ref_template="{name}")
    return _of(root, named)


def _of(schema: dict[str, Json], named: dict[str, dict[str, Json]]) -> Documents:
    """Give documents of a schema, as msgspec writes them."""
    if "$ref" in schema:
        return st.deferred(lambda: _of(named[schema["$ref"]], named))
    if several := schema.get("anyOf"):
        return st.one_of(*(_of(each, named) for each in several))
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "properties" in schema:
        parts = {name: _of(each, named) for name, each in schema["properties"].items()}
        needed = {name: parts.pop(name) for name in schema.get("required", [])}
        return st.fixed_dictionaries(needed, optional=parts)
    if schema["type"] == "array":
        items = schema.get("prefixItems") or [schema["items"]] * 2
        return st.tuples(*(_of(each, named) for each in items)).map(list)
    return SIMPLE[schema["type"]]


def _spared(document: Json) -> Json:
    """Ask for no more processes than the machine should be given, where the agent would take them."""
    if isinstance(document, dict):
        plan = document.get("plan")
        if isinstance(plan, dict) and isinstance(plan.get("processes"), int):
            plan["processes"] = _few(plan["processes"])
        options = document.get("options")
        if isinstance(options, dict) and isinstance(options.get("processes"), str):
            text = options["processes"]
            options["processes"] = str(_few(int(text))) if text.isdecimal() and len(text) < 9 else text
    return document


def _few(processes: int) -> int:
    return MOST_PROCESSES if MOST_PROCESSES < processes <= 64 else processes


def _encoded(document: Json) -> bytes:
    return json.dumps(document).encode()


def _nested() -> st.SearchStrategy[bytes]:
    """Give JSON that is nested past measure."""
    return st.builds(
        lambda sign, depth: sign * depth + b"1" if sign == b"[" else sign * depth + b"1" + b"}" * depth,
        st.sampled_from([b"[", b'{"plan":']),
        st.sampled_from([10, 1000, 20_000]),
    )
