"""Where load may go without being asked twice, and what is this machine."""

import pytest

from loadlab.targets.address_scope import is_loopback, is_unspecified, may_be_loaded, reachable


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"),
        *("0.0.0.0", "::", "::ffff:0.0.0.0", "::ffff:0:0"),
        *("10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "::ffff:10.0.0.1"),
        *("fc00::1", "fd00::1", "fd00:ec3::254"),
    ],
)
def test_load_may_go_to_this_machine_and_to_private_networks(address):
    assert may_be_loaded(address)


@pytest.mark.parametrize(
    "address",
    [
        *("8.8.8.8", "172.32.0.1", "192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1"),
        *("100.64.0.1", "240.0.0.1", "255.255.255.255", "0.0.0.1", "2001:db8::1", "2606:4700::1"),
        *("::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "fec0::1", "ff02::1"),
    ],
)
def test_every_other_address_is_foreign(address):
    assert not may_be_loaded(address)


@pytest.mark.parametrize(
    "address",
    [
        *("169.254.169.254", "169.254.0.1", "169.254.170.2", "::ffff:169.254.169.254", "::ffff:a9fe:a9fe"),
        *("fe80::1", "fe80::1%eth0", "febf::1"),
        *("fd00:ec2::254", "fd00:0ec2:0:0:0:0:0:23", "fd20:ce::254", "fd00:42::42"),
        *("fd00:c1::a9fe:a9fe", "fd00:c1::169.254.169.254", "fd00:100::100:200", "fd00:a9fe:a9fe::1"),
        *("100.100.100.200", "168.63.129.16", "192.0.0.192"),
    ],
)
def test_link_local_and_metadata_addresses_are_foreign(address):
    assert not may_be_loaded(address)


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST", "127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"]
)
def test_loopback_is_this_machine_alone(host):
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["", "localhost.", "0.0.0.0", "::", "10.0.0.1", "client", "127.1", "0x7f000001"]
)
def test_nothing_else_is_loopback(host):
    assert not is_loopback(host)


def test_what_listens_everywhere_is_reached_on_loopback():
    assert [reachable(each) for each in ("0.0.0.0", "::", "::ffff:0.0.0.0", "10.0.0.1", "::1")] == [
        *("127.0.0.1", "::1", "::1", "10.0.0.1", "::1")
    ]
    assert [is_unspecified(each) for each in ("0.0.0.0", "::", "::ffff:0:0", "0", "h", "")] == [
        *(True, True, True, False, False, False)
    ]
