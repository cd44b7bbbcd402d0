"""Real WATs, mutated thousands of times: never an exception, always the stats, always the untouched records' pairs.

Every case is made from digests of its name and number, so that a failure names what to run again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import pytest
import zstandard

from examples.warc_framing import gzip_member
from metaclip_curate.extract import InputStats, read_pairs
from metaclip_curate.extract.links import Drop
from tests.support import faults, odd_records
from tests.support.faults import Choices

pytestmark = pytest.mark.slow

CASES = 160  # of each way and source
_LARGEST_MEMBER = 6_000
_MEMBERS = 60
_DROPS = tuple(reason.value for reason in Drop)
# What grows with every record, whatever was read before it.
_SUMS = ("image_links", *_DROPS, "texts")

Read = Callable[[bytes], "Found"]


@dataclass(frozen=True)
class Found:
    """What was read of a file."""

    uids: frozenset[str]
    stats: InputStats


@dataclass(frozen=True)
class Member:
    """A gzip member of a real WAT, and what is found in it alone."""

    packed: bytes
    record: bytes
    alone: Found


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Read:
    """Reads a file's bytes and holds the stats to the rows that came."""
    path = tmp_path_factory.mktemp("fuzz") / "case.warc.wat.gz"

    def found(data: bytes) -> Found:
        path.write_bytes(data)
        stats = InputStats(str(path))
        uids = [uid for batch in read_pairs(str(path), stats=stats) for uid in batch.column("uid").to_pylist()]
        assert len(uids) == len(set(uids)) == stats.pairs
        assert stats.texts == stats.duplicate_texts + stats.pairs
        used = stats.image_links - sum(getattr(stats, name) for name in _DROPS)
        assert 0 <= used <= stats.texts <= 3 * used  # a link that is used has from one to three texts
        assert stats.bytes_read == len(data) or stats.status != "ok"
        assert (stats.status == "ok") == (stats.error == "")
        return Found(frozenset(uids), stats)

    return found


@pytest.fixture(scope="module", params=["shipped", "real"])
def members(request: pytest.FixtureRequest, read: Read) -> list[Member]:
    """Small members of WATs, with images, of many sites."""
    if request.param == "shipped":
        folder = Path(__file__).parents[2] / "examples" / "wat"
    else:
        folder = request.getfixturevalue("real_data") / "wat"
    found = []
    for path in sorted(folder.glob("*.warc.wat.gz")):
        packed = [one for one in faults.gzip_members(path.read_bytes()) if len(one) <= _LARGEST_MEMBER]
        found += [Member(one, faults.unpacked(one), read(one)) for one in packed]
    with_images = [one for one in found if one.alone.stats.image_links and one.alone.stats.status == "ok"]
    with_images.sort(key=lambda one: Choices(one.packed).below(2**32))
    assert len(with_images) > 30
    return with_images[:_MEMBERS]


def choose(members: list[Member], choices: Choices) -> list[Member]:
    """Takes two to four members."""
    return [choices.pick(members) for _ in range(2 + choices.below(3))]


def assert_holds(found: Found, untouched: Iterable[Member]) -> None:
    """The untouched members' pairs and links are all there."""
    kept = list(untouched)
    assert union(kept) <= found.uids
    for name in _SUMS:
        assert getattr(found.stats, name) >= sum(getattr(one.alone.stats, name) for one in kept), name


def union(members: Iterable[Member]) -> frozenset[str]:
    return reduce(frozenset.union, (one.alone.uids for one in members), frozenset())


@pytest.mark.parametrize("damage", faults.DAMAGES, ids=lambda damage: damage.__name__)
def test_damaged_bytes(members: list[Member], read: Read, damage: faults.Damage) -> None:
    for number in range(CASES):
        choices = Choices(damage.__name__, number)
        chosen = choose(members, choices)
        damaged = damage([one.packed for one in chosen], choices)
        try:
            found = read(damaged.data)
            assert_holds(found, (one for place, one in enumerate(chosen) if place not in damaged.touched))
            # A checksum guards every member: nothing is found that nobody wrote.
            assert found.uids <= union(chosen)
        except Exception as error:
            raise AssertionError(f"case {number} of {damage.__name__}") from error


@pytest.mark.parametrize("damage", faults.DAMAGES_OF_BYTES, ids=lambda damage: damage.__name__)
def test_damaged_bytes_of_a_file_that_is_not_packed(members: list[Member], read: Read, damage: faults.Damage) -> None:
    checked = 0
    for number in range(CASES):
        choices = Choices(damage.__name__, number)
        chosen = choose(members, choices)
        damaged = damage([one.record for one in chosen], choices)
        if damaged.data.startswith(b"\x1f\x8b"):
            continue  # gzip's magic number was inserted at the beginning, so the file counts as gzip
        checked += 1
        try:
            found = read(damaged.data)
            assert_holds(found, (one for place, one in enumerate(chosen) if place not in damaged.touched))
        except Exception as error:
            raise AssertionError(f"case {number} of {damage.__name__}") from error
    assert checked > 0.9 * CASES


@pytest.mark.parametrize("damage", faults.DAMAGES_OF_BYTES, ids=lambda damage: damage.__name__)
def test_damaged_bytes_of_a_file_packed_by_zstd(members: list[Member], read: Read, damage: faults.Damage) -> None:
    packer = zstandard.ZstdCompressor(write_checksum=True)
    checked = 0
    for number in range(CASES // 4):
        choices = Choices("zstd", damage.__name__, number)
        chosen = choose(members, choices)
        damaged = damage([packer.compress(one.record) for one in chosen], choices)
        if damaged.data.startswith(b"\x1f\x8b"):
            continue  # gzip's magic number was inserted at the beginning, so the file counts as gzip
        checked += 1
        try:
            found = read(damaged.data)
            assert_holds(found, (one for place, one in enumerate(chosen) if place not in damaged.touched))
            assert found.uids <= union(chosen)
        except Exception as error:
            raise AssertionError(f"case {number} of {damage.__name__}") from error
    assert checked > 0.9 * (CASES // 4)


def test_a_gzip_header_that_takes_up_all_that_follows(members: list[Member], read: Read) -> None:
    """A flag announces an extra field (RFC 1952, FEXTRA), whose length of 65,535 goes beyond the file's end."""
    first, second, third = members[:3]
    wrong = second.packed[:3] + b"\x04" + second.packed[4:10] + b"\xff\xff" + second.packed[10:]
    assert_holds(read(first.packed + wrong + third.packed), [first, third])


def test_a_damaged_beginning(members: list[Member], read: Read) -> None:
    first, second = members[:2]
    assert_holds(read(b"?" + first.packed[1:] + second.packed), [second])


@pytest.mark.parametrize("rubbish", [b"rubbish", b"rubbish\r\n", b"\r\n\r\nrubbish\r\n\r\n"])
def test_rubbish_between_records_that_are_not_packed(members: list[Member], read: Read, rubbish: bytes) -> None:
    first, second = members[:2]
    assert_holds(read(first.record + rubbish + second.record), [first, second])


def test_a_block_that_by_chance_ends_where_the_next_records_header_does(members: list[Member], read: Read) -> None:
    """Bytes are missing in a record that isn't packed, as many as the next one's header has."""
    first, second = members[:2]
    missing = len(b"\r\n\r\n") + second.record.index(b"\r\n\r\n")
    middle = len(first.record) // 2
    assert_holds(read(first.record[:middle] + first.record[middle + missing :] + second.record), [second])


@pytest.mark.parametrize("oddity", odd_records.ODDITIES, ids=lambda oddity: oddity.__name__)
def test_odd_records(members: list[Member], read: Read, oddity: odd_records.Oddity) -> None:
    for number in range(CASES):
        choices = Choices(oddity.__name__, number)
        chosen = choose(members, choices)
        victim = choices.below(len(chosen))
        odd = oddity(chosen[victim].record, choices)
        others = [one for place, one in enumerate(chosen) if place != victim]
        data = [*(one.packed for one in chosen[:victim]), gzip_member(odd.record, 1)]
        try:
            found = read(b"".join([*data, *(one.packed for one in chosen[victim + 1 :])]))
            if odd.rest:
                # One odd link costs no other link of its page.
                others.append(Member(b"", odd.rest, read(odd.rest)))
            assert_holds(found, others)
        except Exception as error:
            raise AssertionError(f"case {number} of {oddity.__name__}") from error
