"""A name with several addresses: each has a share of the time, one is chosen, those that failed are named."""

import asyncio
import contextlib
import resource
import socket
import time

import pytest

from loadlab.errors import ClientError, TargetError, UsageError
from loadlab.runs.runners import inside_stack
from loadlab.targets import addresses
from loadlab.targets.addresses import Address, ShortageError, find, first_that_answers, reach
from loadlab.targets.url import UrlHost

pytestmark = pytest.mark.real


@contextlib.contextmanager
def silent(host, port=0):
    """A listener that accepts no connection and has no room: the kernel drops every further SYN."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.create_server((host, port), backlog=0))
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.settimeout(0)
            filler.connect_ex(server.getsockname())
        yield server.getsockname()[1]


@contextlib.contextmanager
def serving(host, port=0):
    with socket.create_server((host, port)) as server:
        yield server.getsockname()[1]


def at(port, *hosts):
    return [Address(socket.AF_INET, (host, port)) for host in hosts]


@pytest.fixture
def named(monkeypatch):
    """Have any name stand for these addresses; how often it was looked up is kept."""
    asked = []

    def stand_for(*hosts):
        async def find(name, port):
            asked.append(name)
            return at(port, *hosts)

        monkeypatch.setattr("loadlab.targets.url.find", find)
        return asked

    return stand_for


def test_a_silent_address_leaves_time_for_the_next_one_and_is_named(named, monkeypatch):
    monkeypatch.setattr(addresses, "_CONNECT_S", 0.4)
    monkeypatch.setattr(addresses, "_LEAST_S", 0.2)
    asked = named("127.0.0.1", "127.0.0.2")
    with silent("127.0.0.1") as port, serving("127.0.0.2", port):
        begun = time.monotonic()
        host = UrlHost(f"http://two.test:{port}/")
        target = asyncio.run(host.start())
        took_s = time.monotonic() - begun
        assert asyncio.run(host.lost()) is None

    assert took_s >= 0.2, "half of the time, for there are two"
    assert target.address == "127.0.0.2"
    assert [(each.address, each.problem) for each in target.tried] == [
        ("127.0.0.1", "no connection within 0.2 s"),
        ("127.0.0.2", None),
    ]
    assert "two.test is 127.0.0.2 in this run; not 127.0.0.1: no connection within 0.2 s" in target.where
    assert asked == ["two.test"], "it is looked up once"


def test_a_refused_address_is_passed_over_and_named(named):
    named("127.0.0.1", "127.0.0.2")
    with serving("127.0.0.2") as port:
        target = asyncio.run(UrlHost(f"http://two.test:{port}/").start())

    assert target.address == "127.0.0.2"
    assert target.tried[0].problem == "Connection refused"


def test_addresses_after_the_first_that_answers_are_not_tried(named):
    named("127.0.0.1", "127.0.0.2")
    with serving("127.0.0.1") as port, serving("127.0.0.2", port):
        target = asyncio.run(UrlHost(f"http://two.test:{port}/").start())

    assert [each.address for each in target.tried] == ["127.0.0.1"]
    assert "two.test is 127.0.0.1 in this run)" in target.where


def test_where_no_address_answers_each_is_named_with_its_reason(named):
    named("127.0.0.1", "127.0.0.2")
    with serving("127.0.0.1") as port:
        pass
    with pytest.raises(TargetError) as raised:
        asyncio.run(UrlHost(f"http://two.test:{port}/").start())

    assert str(raised.value) == (
        f"http://two.test:{port}/ cannot be reached: 127.0.0.1: Connection refused;"
        " 127.0.0.2: Connection refused"
    )


def test_every_address_of_a_name_must_be_near(named):
    named("127.0.0.1", "192.0.2.1")
    with serving("127.0.0.1") as port, pytest.raises(UsageError, match=r"two.test \(192.0.2.1\) is neither"):
        asyncio.run(UrlHost(f"http://two.test:{port}/").start())


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("169.254.169.254", "metadata.google.internal"),
        ("fe80::1", "two.test"),
        ("fd00:ec2::254", "two.test"),
        ("::ffff:169.254.169.254", "two.test"),
    ],
)
def test_a_name_of_a_link_local_or_metadata_address_needs_remote(address, name, named):
    named(address)
    with pytest.raises(UsageError, match=rf"{name} \({address}\) is neither .*; give --remote"):
        asyncio.run(UrlHost(f"http://{name}:80/").start())


@pytest.mark.parametrize(
    "written",
    ["0", "0.0.0.0", "[::]", "[::ffff:0.0.0.0]", "[::ffff:127.0.0.1]", "127.1", "2130706433", "0x7f.0.0.1"],
)
def test_every_way_to_write_this_machine_is_this_machine(written):
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        target = asyncio.run(UrlHost(f"http://{written}:{server.getsockname()[1]}/").start())
    assert target.tried[0].problem is None


def test_the_stacks_target_is_checked_as_one_that_is_named(named, monkeypatch):
    named("192.0.2.1")
    monkeypatch.setenv("LOADLAB_TARGET", "http://two.test:80")
    with pytest.raises(UsageError, match=r"^LOADLAB_TARGET: two.test \(192.0.2.1\) is neither"):
        asyncio.run(inside_stack().start())
    monkeypatch.setattr(addresses, "_CONNECT_S", 0.2)
    monkeypatch.setattr(addresses, "_LEAST_S", 0.1)
    with pytest.raises(TargetError, match="cannot be reached"):
        asyncio.run(inside_stack(remote=True).start())


def test_the_stacks_metrics_are_read_at_an_address_that_was_checked(named, monkeypatch):
    asked = named("127.0.0.1")
    with serving("127.0.0.1") as port:
        monkeypatch.setenv("LOADLAB_TARGET", f"http://two.test:{port}")
        monkeypatch.setenv("LOADLAB_TARGET_METRICS", "http://metrics.test:9100/metrics?a=b")
        target = asyncio.run(inside_stack().start())
        assert target.metrics_url == f"http://127.0.0.1:{port}/metrics?a=b".replace(str(port), "9100")
        assert asked == ["two.test", "metrics.test"]


def test_the_stacks_metrics_are_not_read_from_anywhere_else(monkeypatch):
    async def find(name, port):
        return [Address(socket.AF_INET, ("169.254.169.254" if name == "metrics.test" else "127.0.0.1", port))]

    monkeypatch.setattr("loadlab.targets.url.find", find)
    with serving("127.0.0.1") as port:
        monkeypatch.setenv("LOADLAB_TARGET", f"http://two.test:{port}")
        monkeypatch.setenv("LOADLAB_TARGET_METRICS", "http://metrics.test/latest")
        with pytest.raises(UsageError, match=r"metrics.test \(169.254.169.254\) is neither"):
            asyncio.run(inside_stack().start())


@pytest.mark.parametrize("written", ["x y", "https://target:9100/metrics", "ftp://h/"])
def test_metrics_that_can_not_be_read_are_refused_by_their_variable(written, monkeypatch):
    monkeypatch.setenv("LOADLAB_TARGET", "http://target:8000")
    monkeypatch.setenv("LOADLAB_TARGET_METRICS", written)
    with pytest.raises(UsageError, match=r"^LOADLAB_TARGET_METRICS: "):
        inside_stack()


def test_the_chosen_address_alone_says_whether_the_target_is_lost(named):
    named("127.0.0.1", "127.0.0.2")

    async def lose():
        with serving("127.0.0.1") as port:
            host = UrlHost(f"http://two.test:{port}/")
            await host.start()
        with serving("127.0.0.2", port):
            return await host.lost()

    assert "127.0.0.1: Connection refused" in asyncio.run(lose())


def test_one_address_of_a_target_needs_no_words():
    with serving("127.0.0.1") as port:
        target = asyncio.run(UrlHost(f"http://127.0.0.1:{port}/").start())

    assert target.where == f"http://127.0.0.1:{port}/, from this process"
    assert target.address == "127.0.0.1"


def test_what_this_side_lacks_is_not_told_as_the_targets_absence():
    with serving("127.0.0.1") as port:
        (address,) = asyncio.run(find("127.0.0.1", port))
        host = UrlHost(f"http://127.0.0.1:{port}/")
        asyncio.run(host.start())

    async def without_files():
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
        try:
            with pytest.raises(ShortageError, match="open files ran out"):
                await reach(address)
            with pytest.raises(ClientError, match="the client's open files ran out"):
                await first_that_answers("http://x/", [address])
            with pytest.raises(ShortageError):
                await host.lost()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    asyncio.run(without_files())


# --- a container of the stack that has stopped ---


def nameless(monkeypatch, *answers):
    """Have each look-up after the start come to this: an address, or an error of the resolver."""
    left = list(answers)

    async def find(name, port):
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return at(port, answer)

    monkeypatch.setattr("loadlab.targets.url.find", find)
    monkeypatch.setattr("loadlab.targets.url._RESTARTED_S", 0.0)
    return left


NOBODY = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
HERE = "127.0.0.1"


def test_the_stacks_target_has_ended_where_its_name_is_gone_and_stays_gone(monkeypatch):
    nameless(monkeypatch, NOBODY, NOBODY)
    said = asyncio.run(UrlHost("http://target:8000", is_container=True).ended())
    assert said == "http://target:8000 has no address any more: its container has stopped"


@pytest.mark.parametrize(
    "answers",
    [[HERE], [NOBODY, HERE], [socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")]],
    ids=["there", "restarted", "a resolver that fails"],
)
def test_the_stacks_target_has_not_ended_otherwise(monkeypatch, answers):
    left = nameless(monkeypatch, *answers)
    assert asyncio.run(UrlHost("http://target:8000", is_container=True).ended()) is None
    assert left == []


def test_nobody_looks_the_stacks_target_up_as_long_as_it_answers(monkeypatch):
    left = nameless(monkeypatch, NOBODY, NOBODY)
    assert asyncio.run(UrlHost("http://target:8000", is_container=True).ended(silent=False)) is None
    assert len(left) == 2


def test_a_target_that_others_run_never_ends_by_itself(monkeypatch):
    nameless(monkeypatch)
    assert asyncio.run(UrlHost("http://shop.test/").ended()) is None
