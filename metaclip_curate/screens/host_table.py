"""Millions of hosts as sorted 64-bit hashes, with a byte of each, and lookups of hosts and the domains above them.

A host takes nine bytes. On a disk that all workers of a machine can read, the table is mapped into memory, so that
they share one copy. Two hosts have the same hash with a probability of 2^-64: of 10^8 different hosts that are looked
up in a table of five million, 3 * 10^-5 are found by mistake on average.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from metaclip_curate import storage
from metaclip_curate.screens.hosts import string_buffers
from metaclip_curate.storage import StorageOptions
from metaclip_curate.storage.urls import local_path

Hashes = npt.NDArray[np.uint64]

_BASE = 0x9E6C63D0876A68DF  # any large odd number
# Leading bits of hashes by which a table is indexed: about as many combinations as hashes, up to 4 MB of them.
_FEWEST_INDEX_BITS, _MOST_INDEX_BITS = 4, 20


class HostTable:
    """Hosts, and a number from 0 to 255 of each.

    Args:
        hashes: Hashes of the hosts, ascending and without repeats, uint64, shape (n,).
        values: The numbers, uint8, shape (n,).
    """

    def __init__(self, hashes: Hashes, values: npt.NDArray[np.uint8]) -> None:
        self.hashes = hashes
        self.values = values

    @classmethod
    def of(cls, hashes: Iterable[Hashes], values: Iterable[npt.NDArray[np.uint8]]) -> HostTable:
        """Makes a table of pieces in any order. Of repeated hosts the smallest number stays.

        Args:
            hashes: Pieces of hashes.
            values: The numbers of each piece.
        """
        joined = np.concatenate([np.empty(0, np.uint64), *hashes])
        numbers = np.concatenate([np.empty(0, np.uint8), *values])
        order = np.lexsort((numbers, joined)) if numbers.any() else np.argsort(joined)
        joined, numbers = joined[order], numbers[order]
        first = np.ones(len(joined), np.bool_)
        np.not_equal(joined[1:], joined[:-1], out=first[1:])
        return cls(joined[first], numbers[first])

    def __len__(self) -> int:
        return len(self.hashes)

    def find(self, hashes: Hashes) -> npt.NDArray[np.int16]:
        """Returns the number of each host that is in the table, and -1 for others.

        Args:
            hashes: Hashes of hosts, shape (m,).

        Returns:
            Shape (m,).
        """
        found = np.full(len(hashes), -1, np.int16)
        if not len(self.hashes):
            return found
        bits, starts = self._index
        buckets = (hashes >> np.uint64(64 - bits)).astype(np.int64)
        positions, ends = starts[buckets], starts[buckets + 1]
        open_rows = np.flatnonzero(positions < ends)
        while len(open_rows):
            at = positions[open_rows]
            stored = self.hashes[at]
            hit = stored == hashes[open_rows]
            found[open_rows[hit]] = self.values[at[hit]]
            positions[open_rows] += 1
            # The hashes of a bucket ascend.
            goes_on = (stored < hashes[open_rows]) & (at + 1 < ends[open_rows])
            open_rows = open_rows[goes_on]
        return found

    @cached_property
    def _index(self) -> tuple[int, npt.NDArray[np.int32]]:
        """The position of the first hash with each combination of leading bits."""
        bits = min(max(len(self.hashes).bit_length() - 1, _FEWEST_INDEX_BITS), _MOST_INDEX_BITS)
        edges = np.arange(1 << bits, dtype=np.uint64) << np.uint64(64 - bits)
        starts = np.append(np.searchsorted(self.hashes, edges), len(self.hashes)).astype(np.int32)
        return bits, starts

    def write(self, url: str, options: StorageOptions) -> None:
        """Writes the table to a file."""
        data = np.array([len(self)], np.uint64).tobytes() + self.hashes.tobytes() + self.values.tobytes()
        storage.write_bytes(url, data, options)

    @classmethod
    def read(cls, url: str, options: StorageOptions) -> HostTable:
        """Reads a table that `write` has written; of a file on this machine, pages are read when they are needed."""
        data: npt.NDArray[np.uint8] = (
            np.memmap(local_path(url), np.uint8, mode="r")
            if storage.is_local(url)
            else np.frombuffer(storage.read_bytes(url, options), np.uint8)
        )
        number = int(data[:8].view(np.uint64)[0])
        split = 8 + 8 * number
        return cls(data[8:split].view(np.uint64), data[split : split + number])


@dataclass(frozen=True)
class DomainHashes:
    """Hashes of n hosts and of the domains above them.

    Attributes:
        whole: Hash of each host, shape (n,).
        above: Hashes of the domains above them that have a dot: of `a.b.example.org` those of `b.example.org` and
            `example.org`; shape (m,).
        owners: Position of the host that each of `above` belongs to, shape (m,).
    """

    whole: Hashes
    above: Hashes
    owners: npt.NDArray[np.int64]


def domain_hashes(hosts: pa.StringArray) -> DomainHashes:
    """Hashes hosts and the domains above them.

    The hash is a polynomial over the bytes, from the last one on, modulo 2^64, and then mixed. That of a domain above
    a host is a difference of two running sums.

    Args:
        hosts: n hosts without nulls.
    """
    if not len(hosts):
        return DomainHashes(np.empty(0, np.uint64), np.empty(0, np.uint64), np.empty(0, np.int64))
    offsets, data = string_buffers(hosts)
    lengths = np.diff(offsets)
    ends = np.repeat(offsets[1:], lengths)
    powers = np.full(max(1, int(lengths.max(initial=0))), _BASE, np.uint64)
    powers[0] = 1
    powers = np.cumprod(powers)
    sums = np.zeros(len(data) + 1, np.uint64)
    np.cumsum(data * powers[ends - 1 - np.arange(len(data))], out=sums[1:])
    whole = _mixed(sums[offsets[1:]] - sums[offsets[:-1]])
    dots = np.flatnonzero(data == ord("."))
    owners = np.searchsorted(offsets, dots, side="right") - 1
    # The last dot of a host is followed by its top-level domain alone.
    is_last = np.ones(len(dots), np.bool_)
    np.not_equal(owners[1:], owners[:-1], out=is_last[:-1])
    dots, owners = dots[~is_last], owners[~is_last]
    above = _mixed(sums[offsets[owners + 1]] - sums[dots + 1])
    return DomainHashes(whole, above, owners)


def string_hashes(strings: pa.StringArray) -> Hashes:
    """Returns the hash of each string, as `domain_hashes` has those of whole hosts."""
    return domain_hashes(strings).whole


def _mixed(numbers: Hashes) -> Hashes:
    """The end of splitmix64, which spreads the bits."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        numbers = (numbers ^ (numbers >> np.uint64(shift))) * np.uint64(factor)
    return numbers ^ (numbers >> np.uint64(31))
