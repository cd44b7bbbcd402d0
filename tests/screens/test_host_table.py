"""Tables of hashed hosts against Python's sets."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pyarrow as pa

from metaclip_curate.screens.host_table import HostTable, domain_hashes, string_hashes
from metaclip_curate.storage import StorageOptions


def _table(hosts: dict[str, int]) -> HostTable:
    hashes = string_hashes(pa.array(list(hosts), pa.string()))
    return HostTable.of([hashes], [np.array(list(hosts.values()), np.uint8)])


def _random_hosts(number: int, seed: int) -> list[str]:
    draw = random.Random(seed)
    return [
        ".".join(draw.choice("abcdefgh") * draw.randint(1, 3) for _ in range(draw.randint(1, 4))) for _ in range(number)
    ]


def test_a_table_finds_what_a_dict_has() -> None:
    hosts = {host: number % 256 for number, host in enumerate(_random_hosts(3_000, 1))}
    asked = [*hosts, *_random_hosts(3_000, 2)]
    found = _table(hosts).find(string_hashes(pa.array(asked, pa.string())))
    assert found.tolist() == [hosts.get(host, -1) for host in asked]


def test_an_empty_table_finds_nothing() -> None:
    assert _table({}).find(string_hashes(pa.array(["a.org"]))).tolist() == [-1]


def test_of_a_repeated_host_the_smallest_number_stays() -> None:
    hashes = string_hashes(pa.array(["a.org", "b.org", "a.org"]))
    table = HostTable.of([hashes], [np.array([7, 2, 3], np.uint8)])
    assert len(table) == 2
    assert table.find(hashes).tolist() == [3, 2, 3]


def test_domains_above_a_host_have_its_hashes() -> None:
    hosts = ["a.b.example.org", "example.org", "org", "", "x.example.org"]
    found = domain_hashes(pa.array(hosts, pa.string()))
    assert found.whole.tolist() == string_hashes(pa.array(hosts)).tolist()
    assert found.owners.tolist() == [0, 0, 4]
    above = string_hashes(pa.array(["b.example.org", "example.org", "example.org"]))
    assert found.above.tolist() == above.tolist()


def test_different_hosts_have_different_hashes() -> None:
    hosts = sorted({*_random_hosts(50_000, 3), *(f"host-{number}.example.org" for number in range(50_000))})
    assert len(np.unique(string_hashes(pa.array(hosts, pa.string())))) == len(hosts)


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    table = _table({"a.org": 1, "b.org": 0, "c.org": 5})
    table.write(str(tmp_path / "hosts"), StorageOptions())
    read = HostTable.read(str(tmp_path / "hosts"), StorageOptions())
    assert isinstance(read.hashes, np.memmap)  # which workers of a machine share
    assert read.find(string_hashes(pa.array(["c.org", "a.org", "d.org", "b.org"]))).tolist() == [5, 1, -1, 0]
