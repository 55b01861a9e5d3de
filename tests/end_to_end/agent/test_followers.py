"""Who follows a run misses nothing, and holds up neither the run nor the agent."""

import socket

import pytest

from support.agents import rss_bytes, sound
from support.live import wait_until

pytestmark = pytest.mark.real


def test_who_reloads_in_the_middle_misses_nothing_and_gets_nothing_twice(agent):
    run_id = agent.start(concurrency="1,2,3", duration="600ms")
    with agent.follow() as first:
        first.until("StageEnded")
    with agent.follow(since=first.ids[-1]) as second:
        second.until("RunEnded")
    with agent.follow(f"/api/runs/{run_id}/events") as whole:
        while whole.next():
            pass
    assert first.ids + second.ids == whole.ids
    assert first.events + second.events == whole.events


def test_a_follower_that_leaves_or_does_not_read_disturbs_nobody(mortal):
    deaf = socket.create_connection(("127.0.0.1", mortal.port))
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    head = f"GET /api/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: {mortal.authorization}\r\n\r\n"
    deaf.sendall(head.encode())
    with mortal.follow() as hasty:
        run_id = mortal.start(concurrency=",".join("1" * 20), duration="200ms", warmup="0")
        hasty.next()
    before = rss_bytes(mortal.pid)
    last = mortal.ended(run_id, within_s=60)
    assert sound(last)
    assert rss_bytes(mortal.pid) - before < 30 * 2**20
    deaf.close()
    assert sound(mortal.ended(mortal.start()))


def test_there_is_a_most_of_followers(agent):
    with_one_more = [agent.follow() for _ in range(32)]
    for each in with_one_more:
        each.__enter__()
    try:
        refused = agent.get("/api/events")
        assert refused.status == 503
        assert "32 follow already" in refused.error
        assert agent.get("/healthz").status == 200
    finally:
        for each in with_one_more:
            each.__exit__(None, None, None)
    wait_until(lambda: agent.get("/api/runs/x/events").status == 404)
