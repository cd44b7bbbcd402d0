"""Which internet addresses images may be fetched from: those that are for everybody.

A manifest's URLs come from the web, and any of them may name the network that the download runs in: a router, a
database, a cloud's metadata service that hands out credentials. The networks are those of IANA's registries of special
purposes (RFC 6890); Python's own `is_global` differs between its releases. Beside these stand addresses that look
public and are a cloud's own: they answer only to its machines.
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
            "169.254.0.0/16",  # link-local, clouds' metadata services among them
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
# All other IPv6 is loopback, unique local, link-local, multicast or not given out.
_OPEN_V6 = IPv6Network("2000::/3")
_CLOSED_V6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "3fff::/20")))
# Networks whose addresses stand for an IPv4 address, and the number of bits behind it.
_EMBEDDING = (
    (IPv6Network("::/96"), 0),
    (IPv6Network("::ffff:0:0/96"), 0),
    (IPv6Network("::ffff:0:0:0/96"), 0),
    (IPv6Network("64:ff9b::/96"), 0),
    (IPv6Network("2002::/16"), 80),
)

# Top-level names that networks give to their own hosts (RFC 6762, appendix G; RFC 8375; RFC 6761), and
# metadata.google.internal is in the first of them.
_PRIVATE_ENDINGS = (
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
_PRIVATE_NAMES = ("metadata.tencentyun.com",)


def is_public(address: str) -> bool:
    """Tells whether an address is one of the public internet.

    Args:
        address: IPv4 or IPv6 as `socket.getaddrinfo` writes it; an IPv6 address may have a scope.

    Raises:
        ValueError: It is no address.
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        embedded = _embedded(found)
        if embedded is None:
            return found in _OPEN_V6 and not any(found in network for network in _CLOSED_V6)
        found = embedded
    return not any(found in network for network in _CLOSED_V4)


def _embedded(address: IPv6Address) -> IPv4Address | None:
    for network, bits_behind in _EMBEDDING:
        if address in network:
            return IPv4Address(int(address) >> bits_behind & 0xFFFFFFFF)
    return None


def names_a_private_host(host: str) -> bool:
    """Tells whether a host's name alone says that it is private.

    A name without a dot is: the public internet has none (ICANN forbids them), networks have `localhost`, `metadata`,
    `instance-data` or `router`.

    Args:
        host: A name, or an address, IPv6 with or without its brackets.
    """
    name = host.strip("[]").rstrip(".").lower()
    try:
        return not is_public(name)
    except ValueError:
        return "." not in name or name in _PRIVATE_NAMES or name.endswith(_PRIVATE_ENDINGS)
