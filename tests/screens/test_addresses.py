"""Which addresses are for everybody."""

from __future__ import annotations

import pytest

from metaclip_curate.screens.addresses import is_public, names_a_private_host

PRIVATE = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "100.100.100.200",
    "161.26.0.10",
    "166.11.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.170",
    "192.168.1.1",
    "198.19.0.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:a9fe:a9fe",
    "::ffff:0:10.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:c0a8:101::1",
    "3fff::1",
    "4000::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
PUBLIC = [
    "1.1.1.1",
    "93.184.215.14",
    "100.63.255.255",
    "100.128.0.1",
    "166.12.0.1",
    "168.63.129.17",
    "172.15.255.255",
    "172.32.0.1",
    "192.167.0.1",
    "223.255.255.255",
    "::ffff:1.1.1.1",
    "64:ff9b::1.1.1.1",
    "2002:101:101::1",
    "2606:4700:4700::1111",
    "2a00:1450:4001::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("host", ["localhost", "a.localhost", "LOCALHOST.", "127.0.0.1", "[::1]", "[::ffff:7f00:1]"])
def test_names_of_private_addresses(host: str) -> None:
    assert names_a_private_host(host)


@pytest.mark.parametrize(
    "host",
    [
        "metadata.google.internal",
        "METADATA.google.INTERNAL.",
        "metadata.azure.internal",
        "metadata.tencentyun.com",
        "metadata",
        "instance-data",
        "ip6-localhost",
        "localhost.localdomain",
        "printer.local",
        "kubernetes.default.svc.cluster.local",
        "router.lan",
        "router.home.arpa",
        "",
    ],
)
def test_names_of_private_hosts(host: str) -> None:
    assert names_a_private_host(host)


@pytest.mark.parametrize(
    "host",
    ["localhost.example", "a.example", "internal.example", "mylocal.example", "1.1.1.1", "[2606:4700:4700::1111]"],
)
def test_names_that_say_nothing(host: str) -> None:
    assert not names_a_private_host(host)
