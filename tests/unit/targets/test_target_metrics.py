"""Reading a target's metrics: one deadline, a limit, and None for whatever is no page of metrics."""

import asyncio
import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadlab.analysis.target import target_stage, theory
from loadlab.runs.ticks import Ticks
from loadlab.scenarios import scenario
from loadlab.targets import target_metrics
from loadlab.workload.plan import Plan, Request, Stage
from loadlab.workload.traits import Workload

pytestmark = pytest.mark.real

PAGE = b'# TYPE a counter\na_total{b="1"} 2\na_total{b="2"} 3\n'
OK = b"HTTP/1.0 200 OK\r\n"
LARGE = (b"#" * 65536 + b"\n") * 80
"""A page as far as its form goes, and longer than any of ours."""


PLAN = Plan(
    scenario="task",
    transport="wire",
    workload=Workload.CLOSED,
    target="http://h/",
    requests=(Request(url="http://h/"),),
    stages=(Stage(concurrency=4),),
    duration_ns=10**9,
)


def read_from(*pieces, pause_s=0.0, closes=True):
    """Read from a server that writes these pieces, with a pause after each."""

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(pause_s)
            if not closes:
                await asyncio.sleep(30)
        except OSError:
            pass
        finally:
            writer.close()

    async def main():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        try:
            return await target_metrics.read(f"http://127.0.0.1:{port}/metrics")
        finally:
            server.close()

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("pieces", "closes"),
    [
        ((OK + b"\r\n" + PAGE,), True),
        ((OK + b"Content-Length: %d\r\n\r\n" % len(PAGE), PAGE), False),
        ((OK[:5], OK[5:] + b"\r\n", PAGE[:20], PAGE[20:]), True),
    ],
    ids=["to the end", "with its length", "in pieces"],
)
def test_a_page_is_summed_over_its_labels(pieces, closes):
    assert read_from(*pieces, closes=closes).values == {"a_total": 5.0}


@pytest.mark.parametrize(
    "pieces",
    [
        (b"HTTP/1.0 500 No\r\n\r\n" + PAGE,),
        (OK + b"\r\n" + b"\xff\xfe",),
        (OK + b"\r\n" + b"no metrics {{{\n",),
        (OK + b"Content-Length: %d\r\n\r\n" % len(LARGE), LARGE),
        (OK + b"Content-Length: -1\r\n\r\n",),
        (OK + b"Content-Length: x\r\n\r\n",),
        (OK + b"Content-Length: 100\r\n\r\nshort",),
        (b"garbage",),
        (b"\r\n\r\n",),
        (b"x" * 100_000,),
        (OK + b"\r\n", LARGE),
        (OK + b"\r\n" + b"a_total one\n",),
        (OK + b"\r\n" + b"a_total\n",),
        (OK + b"\r\n" + b"a_total 1 2 3\n",),
        (OK + b"\r\n" + b"a-b 1\n",),
        (OK + b'\r\na{b="}" 1\n',),
        (OK + b"\r\n" + b"a " + b"9" * 100_000,),
        (OK + b"Content-Length: " + b"9" * 10_000 + b"\r\n\r\n",),
        (OK + b"Content-Length: 1_0\r\n\r\n0123456789",),
        (OK + b"\r\n" + b"a_total 1_0\n",),
        (OK + b"\r\n" + "a_total \N{ARABIC-INDIC DIGIT ONE}\n".encode(),),
        (OK + b"\r\n" + b"a_total 1 1_0\n",),
        (OK + b"\r\n" + b"a_total infinity\n",),
        (),
    ],
    ids=range(24),
)
def test_whatever_is_no_page_of_metrics_is_none(pieces):
    assert read_from(*pieces) is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_even_to_a_valid_page(status):
    asked = []

    async def serve(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.split()[1])
        moved = b"HTTP/1.0 %d Moved\r\nLocation: /page\r\n\r\n" % status
        writer.write(OK + b"\r\n" + PAGE if asked[-1] == b"/page" else moved)
        writer.close()

    async def main():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            return await target_metrics.read(f"{url}/metrics"), await target_metrics.read(f"{url}/page")
        finally:
            server.close()

    moved, there = asyncio.run(main())
    assert moved is None
    assert there.values == {"a_total": 5.0}
    assert asked == [b"/metrics", b"/page"]


def test_a_page_that_comes_in_drops_has_one_deadline(monkeypatch):
    monkeypatch.setattr(target_metrics, "_TIMEOUT_S", 0.3)
    began_s = time.monotonic()
    assert read_from(OK + b"\r\n", *[b"#"] * 400, pause_s=0.05) is None
    assert time.monotonic() - began_s < 15, "it would take 20 s"


def test_what_is_no_count_is_left_out():
    page = b'a NaN\nb +Inf\nc -1\nd 1e300\ne 2 1700000000000\nf{x="}\\""} 3\n\n# g\n'
    assert read_from(OK + b"\r\n" + page).values == {"e": 2.0, "f": 3.0}


@pytest.mark.parametrize(
    "line",
    [
        b'a{b="' + b'\\"' * (2 << 20) + b'"} 1\n',
        b"a{" + b'b="\\",' * 500_000 + b"} 1\n",
        b"a" + b" " * (4 << 20),
    ],
    ids=["quotes", "labels", "blanks"],
)
def test_a_page_that_is_made_to_be_hard_to_read_is_read_at_once(line):
    began_s = time.process_time()
    read_from(OK + b"\r\n", line[: 4 << 20])
    assert time.process_time() - began_s < 2


@pytest.mark.parametrize(
    "url",
    ["", "x", "http://", "http://h:99999999/", "http://no-such-host.invalid/", "http://127.0.0.1:1/a b"],
)
def test_a_url_that_can_not_be_read_is_none(url):
    assert asyncio.run(target_metrics.read(url)) is None


COUNTS = st.dictionaries(
    st.sampled_from(
        [
            "target_requests_total",
            "target_workers",
            "target_threads",
            *(
                f"target_{name}_seconds_{part}"
                for name in ("thread", "queue", "handler")
                for part in ("sum", "count")
            ),
            "target_cpu_seconds_total",
            "target_cpu_throttled_seconds_total",
            "target_memory_bytes",
            "target_busy_threads",
            "target_thread_queue",
        ]
    ),
    st.one_of(st.just(0.0), st.floats(0, 2.0**53)),
)


@given(COUNTS, COUNTS, st.integers(1, 10**12))
def test_whatever_the_target_counts_its_stage_can_be_judged_and_written(first, last, span_ns):
    readings = target_metrics.Reading(1, first), target_metrics.Reading(1 + span_ns, last)
    told = target_stage(*readings, span_ns)
    for workload, stage in (
        (Workload.CLOSED, Stage(concurrency=4)),
        (Workload.BATCH, Stage(requests=4)),
        (Workload.OPEN, Stage(rate_hz=4.0)),
    ):
        plan = msgspec.structs.replace(PLAN, workload=workload, stages=(stage,))
        expected = theory(
            plan,
            stage,
            scenario("task").TRAITS,
            told,
            throughput_hz=10.0,
            completions=100,
            in_flight_by_stamps=2.0,
        )
        msgspec.json.encode((told, expected))
    ticks = Ticks(0, PLAN, PLAN.stages[0], "http://h/")
    ticks._target = readings[1]
    msgspec.json.encode(ticks._slots())
