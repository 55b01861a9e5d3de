"""What a client can run out of: the same name for the same error, wherever it was raised."""

import errno
import socket

import pytest

from loadlab.system.limits import limit_of
from loadlab.system.resources import Resource, resource_named, resource_of, shortage


@pytest.mark.parametrize(
    ("error", "resource"),
    [
        (OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address"), Resource.PORTS),
        (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), Resource.PORTS),
        (OSError(errno.EMFILE, "Too many open files"), Resource.FILES),
        (OSError(errno.ENFILE, "Too many open files in system"), Resource.FILES),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), Resource.MEMORY),
        (MemoryError(), Resource.MEMORY),
        (OSError(errno.ENOBUFS, "No buffer space available"), Resource.BUFFERS),
        (RuntimeError("can't start new thread"), Resource.TASKS),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"), Resource.RESOLVER),
        (socket.gaierror(socket.EAI_MEMORY, "Memory allocation failure"), Resource.MEMORY),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), None),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), None),
        (OSError("Multiple exceptions: …"), None),
        (RuntimeError("anything else"), None),
        (None, None),
    ],
    ids=repr,
)
def test_an_error_names_the_resource_that_had_run_out(error, resource):
    assert resource_of(error) is resource


def test_an_error_that_another_one_hides_is_seen():
    hiding = ConnectionError("no connection")
    hiding.__cause__ = OSError(errno.EMFILE, "Too many open files")

    assert resource_of(hiding) is Resource.FILES


def test_where_a_process_is_started_eagain_is_about_processes():
    error = BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    assert resource_of(error, starting=True) is Resource.TASKS


@pytest.mark.parametrize("resource", Resource)
def test_a_shortage_says_what_ran_out_how_much_there_is_and_what_to_do(resource):
    sentence = shortage(resource, 32 << 20)

    assert sentence.startswith(resource)
    assert f"(the limit is {'32 MiB' if resource is Resource.MEMORY else '33,554,432'}): " in sentence
    assert "report" not in sentence


def test_an_amount_that_is_not_known_is_left_out():
    assert "(" not in shortage(Resource.PORTS).partition(":")[0]


def test_the_number_of_local_ports_is_that_of_their_range(tmp_path):
    file = tmp_path / "net" / "ipv4" / "ip_local_port_range"
    file.parent.mkdir(parents=True)
    file.write_text("32768\t32799\n")

    assert limit_of(Resource.PORTS, settings=tmp_path) == 32


def test_a_limit_that_the_system_does_not_tell_is_none(tmp_path):
    assert limit_of(Resource.PORTS, settings=tmp_path) is None
    assert limit_of(Resource.RESOLVER) is None


def test_a_group_without_a_limit_has_none_of_its_own(tmp_path):
    own = limit_of(Resource.TASKS, groups=tmp_path)
    (tmp_path / "pids.max").write_text("max\n")
    assert limit_of(Resource.TASKS, groups=tmp_path) == own

    (tmp_path / "pids.max").write_text("7\n")
    assert limit_of(Resource.TASKS, groups=tmp_path) == 7


@pytest.mark.parametrize(
    ("said", "resource"),
    [
        ("RuntimeError: can't start new thread", Resource.TASKS),
        ("BlockingIOError: [Errno 11] Resource temporarily unavailable", Resource.TASKS),
        ("OSError: [Errno 24] Too many open files", Resource.FILES),
        ("OSError: [Errno 12] Cannot allocate memory", Resource.MEMORY),
        ("ModuleNotFoundError: No module named 'shop'", None),
    ],
)
def test_the_last_words_of_another_process_tell_it_too(said, resource):
    assert resource_named(said) == resource
