"""Which internet addresses images may be fetched from: public ones.

A manifest's URLs come from the web, and any of them may name something in the network of the download: a router, a
database, or a cloud's metadata service, which hands out credentials. Refused are the networks in IANA's registries of
special-purpose addresses (RFC 6890), since Python's `is_global` differs between its releases, and a few addresses that
look public but answer only to a cloud's own machines.
"""

from __future__ import annotations

import ipaddress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

_CLOSED_V4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this network; 0.0.0.0 reaches the host itself
            "10.0.0.0/8",
            "100.64.0.0/10",  # shared by a provider's customers
            "127.0.0.0/8",
            "161.26.0.0/16",  # IBM Cloud's services for its machines
            "166.8.0.0/14",  # the same
            "168.63.129.16/32",  # Azure's platform, which hands out a machine's settings
            "169.254.0.0/16",  # link-local, among them clouds' metadata services
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, and the broadcast address
        ),
    )
)
# All other IPv6 addresses are loopback, unique local, link-local, multicast or unassigned.
_OPEN_V6 = IPv6Network("2000::/3")
_CLOSED_V6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "3fff::/20")))
# Networks whose addresses embed an IPv4 address, and the number of bits below it.
_EMBEDDING = (
    (IPv6Network("::/96"), 0),
    (IPv6Network("::ffff:0:0/96"), 0),
    (IPv6Network("::ffff:0:0:0/96"), 0),
    (IPv6Network("64:ff9b::/96"), 0),
    (IPv6Network("2002::/16"), 80),
)

# Top-level names of hosts within a network (RFC 6762, appendix G; RFC 8375; RFC 6761). The first of them includes
# metadata.google.internal.
PRIVATE_ENDINGS = (
    ".internal",
    ".local",
    ".localdomain",
    ".localhost",
    ".lan",
    ".home",
    ".home.arpa",
    ".corp",
    ".intranet",
    ".private",
)
PRIVATE_NAMES = ("metadata.tencentyun.com",)


def is_public(address: str) -> bool:
    """Returns whether an address is one of the public internet.

    Args:
        address: IPv4 or IPv6 address as `socket.getaddrinfo` returns it; an IPv6 address may have a scope.

    Raises:
        ValueError: It isn't an address.
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        embedded = _embedded(found)
        if embedded is None:
            return found in _OPEN_V6 and not any(found in network for network in _CLOSED_V6)
        found = embedded
    return not any(found in network for network in _CLOSED_V4)


def _embedded(address: IPv6Address) -> IPv4Address | None:
    for network, bits_below in _EMBEDDING:
        if address in network:
            return IPv4Address(int(address) >> bits_below & 0xFFFFFFFF)
    return None


def names_a_private_host(host: str) -> bool:
    """Returns whether a host is private by its name, before it is resolved.

    That includes names without a dot, such as `localhost`, `metadata` or `router`, which the public internet doesn't
    have (ICANN forbids them).

    Args:
        host: A name or an address; an IPv6 address with or without brackets.
    """
    name = host.strip("[]").rstrip(".").lower()
    try:
        return not is_public(name)
    except ValueError:
        return "." not in name or name in PRIVATE_NAMES or name.endswith(PRIVATE_ENDINGS)
