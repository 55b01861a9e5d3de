"""What an IP address stands for: this machine, a private network, or the public one. Pure.

The one place that decides whether load may go somewhere, and whether a name is this machine's. An address is
what the resolver gave, or as it is written; an IPv6 address that holds an IPv4 one is taken for that one.
"""

import ipaddress

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_PRIVATE = tuple(
    ipaddress.ip_network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)
"""RFC 1918 and RFC 4193. Not `ipaddress`'s own `is_private`: that counts addresses for documentation and
benchmarks too, which a network may well route."""
_METADATA = tuple(
    ipaddress.ip_network(block)
    for block in (
        "fd00:ec2::/32",  # Amazon: instance metadata, pod identity, DNS, time
        "fd20:ce::254/128",  # Google
        "fd00:42::42/128",  # Scaleway
        "fd00:c1::a9fe:a9fe/128",  # Oracle
        "fd00:100::100:200/128",  # Alibaba
        "fd00:a9fe:a9fe::1/128",  # Linode
    )
)
"""Where clouds answer a machine's questions about itself, its credentials too. Their IPv4 addresses are
link-local or public, so they are refused as such."""


def may_be_loaded(text: str) -> bool:
    """Tell whether an IP address is this machine's own or a private one: where a lab's target lives.

    Neither link-local, where a cloud keeps its metadata, nor any other metadata service.
    """
    address = _read(text)
    if address.is_loopback or address.is_unspecified:
        return True
    return _is_in(address, _PRIVATE) and not _is_in(address, _METADATA)


def is_loopback(host: str) -> bool:
    """Tell whether a host, as it is written in an address, is this machine's loopback and nothing else."""
    if host.lower() == "localhost":
        return True
    try:
        return _read(host).is_loopback
    except ValueError:
        return False


def is_unspecified(host: str) -> bool:
    """Tell whether a host stands for every address of this machine; connecting to it is connecting here."""
    try:
        return _read(host).is_unspecified
    except ValueError:
        return False


def reachable(host: str) -> str:
    """Return the address under which this machine reaches what listens there."""
    if not is_unspecified(host):
        return host
    return "::1" if isinstance(ipaddress.ip_address(host), ipaddress.IPv6Address) else "127.0.0.1"


def _read(text: str) -> _Address:
    """Read an address, with or without a zone; raise ValueError."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _is_in(address: _Address, networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]) -> bool:
    return any(address.version == network.version and address in network for network in networks)
