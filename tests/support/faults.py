"""Damage to the bytes of a WAT on purpose, of which it is known what it can't have harmed."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from examples.warc_framing import GZIP_WINDOW_BITS, gzip_member

Item = TypeVar("Item")


class Choices:
    """Decisions that are digests of a key, so that any case can be made alone and again, on every machine.

    Args:
        key: What the case is.
    """

    def __init__(self, *key: object) -> None:
        self._key = "\n".join(map(str, key))
        self._made = 0

    def data(self, size: int) -> bytes:
        """Returns arbitrary bytes."""
        self._made += 1
        return hashlib.shake_128(f"{self._key}\n{self._made}".encode()).digest(size)

    def below(self, bound: int) -> int:
        """Returns a number from 0 to bound - 1."""
        return int.from_bytes(self.data(8)) % bound

    def pick(self, items: Sequence[Item]) -> Item:
        """Returns one of the items."""
        return items[self.below(len(items))]


def gzip_members(data: bytes) -> list[bytes]:
    """Cuts a gzip file into its members, packed as they are."""
    members = []
    while data:
        unpacker = zlib.decompressobj(wbits=GZIP_WINDOW_BITS)
        unpacker.decompress(data)
        if not unpacker.eof:
            break
        used = len(data) - len(unpacker.unused_data)
        members.append(data[:used])
        data = unpacker.unused_data
    return members


def unpacked(member: bytes) -> bytes:
    """Unpacks one member."""
    return zlib.decompress(member, wbits=GZIP_WINDOW_BITS)


@dataclass(frozen=True)
class Damaged:
    """A file after damage.

    Attributes:
        data: Its bytes.
        touched: The numbers of the members whose bytes aren't there any more as they were.
    """

    data: bytes
    touched: frozenset[int]


Damage = Callable[[list[bytes], Choices], Damaged]


def _only(members: list[bytes], number: int, replacement: bytes) -> Damaged:
    data = b"".join([*members[:number], replacement, *members[number + 1 :]])
    return Damaged(data, frozenset({number}))


def _cut_out(members: list[bytes], start: int, end: int, replacement: bytes = b"") -> Damaged:
    """Replaces bytes from `start` to `end` of the whole file; members that begin or end there stay whole."""
    data, touched, at = b"".join(members), set(), 0
    for number, member in enumerate(members):
        if start < at + len(member) and end > at:
            touched.add(number)
        at += len(member)
    return Damaged(data[:start] + replacement + data[end:], frozenset(touched))


def flip_bits(members: list[bytes], choices: Choices) -> Damaged:
    """Flips one to four bits of a member."""
    number = choices.below(len(members))
    member = bytearray(members[number])
    flipped = {choices.below(8 * len(member)) for _ in range(1 + choices.below(4))}
    for bit in flipped:
        member[bit // 8] ^= 1 << bit % 8
    return _only(members, number, bytes(member))


def flip_bits_of_frame(members: list[bytes], choices: Choices) -> Damaged:
    """Flips a bit of the ten bytes of a member's gzip header or the eight of its trailer."""
    number = choices.below(len(members))
    member = bytearray(members[number])
    place = choices.below(18)
    member[place if place < 10 else place - 18] ^= 1 << choices.below(8)
    return _only(members, number, bytes(member))


def break_off(members: list[bytes], choices: Choices) -> Damaged:
    """Lets the file end early."""
    size = sum(map(len, members))
    return _cut_out(members, choices.below(size), size)


def lose_start(members: list[bytes], choices: Choices) -> Damaged:
    """Lets the file begin late, in its first member."""
    return _cut_out(members, 0, 1 + choices.below(len(members[0]) - 1))


def delete_bytes(members: list[bytes], choices: Choices) -> Damaged:
    """Takes some bytes away, maybe over the border of two members."""
    size = sum(map(len, members))
    start = choices.below(size)
    return _cut_out(members, start, min(size, start + 1 + choices.below(400)))


def insert_bytes(members: list[bytes], choices: Choices) -> Damaged:
    """Puts bytes in anywhere: arbitrary, zeros, or what looks like a beginning."""
    place = choices.below(sum(map(len, members)) + 1)
    kinds = [choices.data(1 + choices.below(300)), bytes(1 + choices.below(1000)), b"\x1f\x8b\x08", b"WARC/1.0\r\n"]
    return _cut_out(members, place, place, choices.pick(kinds))


def insert_between(members: list[bytes], choices: Choices) -> Damaged:
    """Puts bytes between two members."""
    number = choices.below(len(members) + 1)
    place = sum(map(len, members[:number]))
    kinds = [choices.data(1 + choices.below(300)), bytes(1 + choices.below(1000)), b"\x1f\x8b\x08", b"\r\n\r\n"]
    return _cut_out(members, place, place, choices.pick(kinds))


def overwrite_bytes(members: list[bytes], choices: Choices) -> Damaged:
    """Copies a piece of the file over another, as a disk that mixes up blocks does."""
    data = b"".join(members)
    source, size = choices.below(len(data)), 1 + choices.below(600)
    start = choices.below(len(data))
    piece = data[source : source + min(size, len(data) - start)]
    return _cut_out(members, start, start + len(piece), piece)


def swap_members(members: list[bytes], choices: Choices) -> Damaged:
    """Exchanges two members."""
    first, second = choices.below(len(members)), choices.below(len(members))
    swapped = list(members)
    swapped[first], swapped[second] = swapped[second], swapped[first]
    return Damaged(b"".join(swapped), frozenset())


def repeat_member(members: list[bytes], choices: Choices) -> Damaged:
    """Writes a member once more, somewhere."""
    place = choices.below(len(members) + 1)
    return Damaged(b"".join([*members[:place], choices.pick(members), *members[place:]]), frozenset())


def repeat_half_a_member(members: list[bytes], choices: Choices) -> Damaged:
    """Writes the beginning or the end of a member once more, as an interrupted copy does."""
    place, again = choices.below(len(members) + 1), choices.pick(members)
    cut = 1 + choices.below(len(again) - 1)
    half = choices.pick([again[:cut], again[cut:]])
    return Damaged(b"".join([*members[:place], half, *members[place:]]), frozenset())


def drop_member(members: list[bytes], choices: Choices) -> Damaged:
    """Leaves a member out."""
    return _only(members, choices.below(len(members)), b"")


def join_members(members: list[bytes], choices: Choices) -> Damaged:
    """Packs two neighbouring records into one member, which is legal."""
    first = choices.below(len(members) - 1)
    joined = gzip_member(unpacked(members[first]) + unpacked(members[first + 1]), 1)
    return Damaged(b"".join([*members[:first], joined, *members[first + 2 :]]), frozenset())


def divide_member(members: list[bytes], choices: Choices) -> Damaged:
    """Packs one record into two members, as some archives do, though WARC has a member a record."""
    number = choices.below(len(members))
    record = unpacked(members[number])
    cut = 1 + choices.below(len(record) - 1)
    divided = gzip_member(record[:cut], 1) + gzip_member(record[cut:], 1)
    return Damaged(b"".join([*members[:number], divided, *members[number + 1 :]]), frozenset())


def optional_gzip_fields(members: list[bytes], choices: Choices) -> Damaged:
    """Gives a member the header fields that gzip allows and Common Crawl leaves out (RFC 1952, 2.3)."""
    number = choices.below(len(members))
    packed = members[number]
    extra = choices.data(choices.below(60))
    fields = len(extra).to_bytes(2, "little") + extra + b"name\0" + b"a comment\0"
    longer = packed[:3] + bytes([0b11100 | choices.below(2)]) + packed[4:10] + fields
    return Damaged(b"".join([*members[:number], longer + packed[10:], *members[number + 1 :]]), frozenset())


LENGTHS = ["0", "1", "-1", "+5", "1e3", "0x10", "abc", "", " ", "9" * 12, "9" * 30, "٣", "33554433", "1, 2"]


def wrong_length(members: list[bytes], choices: Choices) -> Damaged:
    """Gives a record another Content-Length, or none, or two."""
    number = choices.below(len(members))
    head, gap, body = unpacked(members[number]).partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length")]
    near = len(body) - 4 + choices.pick([-1000, -5, -1, 1, 2, 3, 4, 5, 1000])
    wrong = b"Content-Length: " + choices.pick([*LENGTHS, str(near)]).encode()
    right = b"Content-Length: %d" % (len(body) - 4)
    lines += choices.pick([[wrong], [], [wrong, right], [right, wrong]])
    return _only(members, number, gzip_member(b"\r\n".join(lines) + gap + body, 1))


def odd_frame(members: list[bytes], choices: Choices) -> Damaged:
    """Writes a record's frame in another way: line ends, white space, versions, missing and endless fields."""
    number = choices.below(len(members))
    head, gap, body = unpacked(members[number]).partition(b"\r\n\r\n")
    ways = [
        head.replace(b"\r\n", b"\n") + b"\n\n" + body.rstrip(b"\r\n") + b"\n\n",
        head + gap + body.rstrip(b"\r\n"),
        b"\r\n\r\n" * (1 + choices.below(50)) + head + gap + body,
        head + gap + body + b"\0" * choices.below(2000),
        head.replace(b"WARC/1.0", choices.pick([b"WARC/9.9", b"warc/1.0", b"WARC", b"", b"WARC/"])) + gap + body,
        head.replace(b"WARC-Type: metadata", choices.pick([b"WARC-Type:", b"no colon", b"WARC-Type: response"]))
        + gap
        + body,
        head + b"\r\nX: " + b"x" * choices.pick([10, 60_000, 70_000, 300_000]) + gap + body,
        head + b"\r\n" + choices.data(40) + gap + body,
        head,
        b"",
        body,
    ]
    return _only(members, number, gzip_member(choices.pick(ways), 1))


DAMAGES: list[Damage] = [
    flip_bits,
    flip_bits_of_frame,
    break_off,
    lose_start,
    delete_bytes,
    insert_bytes,
    insert_between,
    overwrite_bytes,
    swap_members,
    repeat_member,
    repeat_half_a_member,
    drop_member,
    join_members,
    divide_member,
    optional_gzip_fields,
    wrong_length,
    odd_frame,
]
# Those that don't care whether the file is packed.
DAMAGES_OF_BYTES: list[Damage] = [
    flip_bits,
    break_off,
    lose_start,
    delete_bytes,
    insert_bytes,
    insert_between,
    overwrite_bytes,
    swap_members,
    repeat_member,
    repeat_half_a_member,
]
