"""WARC framing, whole and damaged."""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import time
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from metaclip_curate.extract import framing
from metaclip_curate.extract.input_stats import InputStats
from metaclip_curate.extract.records import Record, read_records
from metaclip_curate.storage import InputError

LIMIT = 1 << 20


def record(body: bytes, name: str = "a", newline: bytes = b"\r\n", length: int | None = None) -> bytes:
    header = newline.join(
        [b"WARC/1.0", b"WARC-Type: metadata", b"WARC-Record-ID: " + name.encode(), b"Content-Length: %d"]
    ) % (len(body) if length is None else length)
    return header + newline * 2 + body + newline * 2


def read(data: bytes, limit: int = LIMIT) -> tuple[list[Record], InputStats]:
    stats = InputStats("test")
    return list(read_records(io.BytesIO(data), stats, limit)), stats


def names(records: list[Record]) -> list[str]:
    return [item.headers["warc-record-id"] for item in records]


def members(*records: bytes) -> bytes:
    return b"".join(gzip.compress(item) for item in records)


def frames(*records: bytes) -> bytes:
    packer = zstandard.ZstdCompressor(write_checksum=True)
    return b"".join(packer.compress(item) for item in records)


def divided(item: bytes) -> tuple[bytes, bytes]:
    """A record's header and its block."""
    header, gap, block = item.partition(b"\r\n\r\n")
    return header + gap, block


THREE = [record(b'{"n": %d}' % n, str(n)) for n in range(3)]
WRAPPINGS = {
    "plain": b"".join(THREE),
    "a member a record": members(*THREE),
    "one member": members(b"".join(THREE)),
    "a member over two records": members(THREE[0] + THREE[1], THREE[2]),
    "a record over two members": members(THREE[0], THREE[1][:40], THREE[1][40:] + THREE[2]),
    "zeros at the end": members(*THREE) + b"\0" * 600_000,
    "header and block in members of their own": members(*(part for one in THREE for part in divided(one))),
    "a member a byte": members(*(bytes([byte]) for byte in b"".join(THREE))),
    "a frame a record": frames(*THREE),
    "one frame": frames(b"".join(THREE)),
    "a frame over two records": frames(THREE[0] + THREE[1], THREE[2]),
    "a record over two frames": frames(THREE[0], THREE[1][:40], THREE[1][40:] + THREE[2]),
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_all_records_of_any_wrapping(wrapping: str) -> None:
    records, stats = read(WRAPPINGS[wrapping])
    assert names(records) == ["0", "1", "2"]
    assert [item.body for item in records] == [b'{"n": 0}', b'{"n": 1}', b'{"n": 2}']
    assert (stats.records, stats.records_skipped, stats.status) == (3, 0, "ok")


def test_header_fields_are_text_with_small_names() -> None:
    data = b"WARC/1.0\r\nWARC-Target-URI: http://a/\xc3\xa4: b\r\nContent-Length: 0\r\n\r\n\r\n\r\n"
    records, _ = read(data)
    assert records[0].headers["warc-target-uri"] == "http://a/\u00e4: b"


@pytest.mark.parametrize("length", [0, 3, 40, 10**6, 10**12])
def test_a_wrong_content_length_costs_no_other_record(length: int) -> None:
    body = b'{"text": "twenty-odd bytes"}'
    data = members(THREE[0], record(body, "wrong", length=length), THREE[2])
    records, stats = read(data, limit=10**7)
    if length > 10**7:  # over the limit: skipped and counted
        assert names(records) == ["0", "2"]
        assert stats.records_skipped == 1
    else:
        assert names(records) == ["0", "wrong", "2"]
        assert records[1].body == body


def test_lines_that_end_in_lf_only() -> None:
    records, stats = read(members(record(b"{}", "lf", newline=b"\n"), THREE[1]))
    assert names(records) == ["lf", "1"]
    assert stats.status == "ok"


def test_a_damaged_member_costs_its_record() -> None:
    packed = [gzip.compress(item) for item in THREE]
    broken = bytearray(packed[1])
    broken[len(broken) // 2] ^= 0xFF
    records, stats = read(packed[0] + bytes(broken) + packed[2])
    assert names(records) == ["0", "2"]
    assert (stats.status, stats.records_skipped) == ("partial", 1)
    assert "gzip" in stats.error


def test_a_wrong_checksum_costs_its_record() -> None:
    packed = [gzip.compress(item) for item in THREE]
    broken = bytearray(packed[1])
    broken[-6] ^= 0x01
    records, stats = read(packed[0] + bytes(broken) + packed[2])
    assert names(records) == ["0", "2"]
    assert stats.status == "partial"


def test_rubbish_between_members_costs_nothing_but_is_told() -> None:
    packed = [gzip.compress(item) for item in THREE]
    records, stats = read(packed[0] + b"rubbish" * 50 + packed[1] + packed[2])
    assert names(records) == ["0", "1", "2"]
    assert stats.status == "partial"


def test_rubbish_that_unpacks_to_the_end_costs_no_member() -> None:
    # A stored block (RFC 1951) that is as long as what follows, and longer.
    packed = [gzip.compress(item) for item in THREE]
    rest = packed[1] + packed[2]
    for length in (len(rest), len(rest) + 100):
        false_start = (
            b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x01" + length.to_bytes(2, "little") + (length ^ 0xFFFF).to_bytes(2, "little")
        )
        records, stats = read(packed[0] + false_start + rest)
        assert names(records) == ["0", "1", "2"]
        assert stats.status == "partial"


@pytest.mark.parametrize("damaged", [b"", b"\0\0", b"RUBBISH", b"\x1f"])
def test_a_packed_file_with_a_damaged_beginning_is_taken_for_one(damaged: bytes) -> None:
    records, stats = read(damaged + members(*THREE)[2:])
    assert names(records) == ["1", "2"]
    assert stats.status == "partial"


@pytest.mark.parametrize("rubbish", [b"rubbish", b"rubbish\r\n", b"\r\n\r\nrubbish\r\n\r\n"])
def test_rubbish_between_records_that_are_not_packed_costs_none(rubbish: bytes) -> None:
    records, stats = read(THREE[0] + rubbish + THREE[1] + THREE[2])
    assert names(records) == ["0", "1", "2"]
    assert records[0].body == b'{"n": 0}'
    assert stats.status == "partial"


@pytest.mark.parametrize("wrapping", ["a member a record", "one member", "plain"])
def test_a_file_that_breaks_off_keeps_what_is_whole(wrapping: str) -> None:
    many = [record(b'{"n": "%s"}' % (b"%d" % n * 2000), str(n)) for n in range(40)]
    joined = b"".join(many)
    data = {"plain": joined, "one member": gzip.compress(joined), "a member a record": members(*many)}[wrapping]
    records, stats = read(data[: len(data) * 2 // 3])
    assert names(records) == [str(n) for n in range(len(records))]
    assert 20 <= len(records) < 40
    assert stats.status == "partial"


def test_a_large_member_is_read_in_pieces_and_up_to_its_break() -> None:
    many = [record(b"%d" % n * 50_000, str(n)) for n in range(300)]
    data = gzip.compress(b"".join(many), 1)
    whole, stats = read(data)
    assert len(whole) == 300
    assert stats.status == "ok"
    broken, stats = read(data[: len(data) - 20_000])
    assert 0 < len(broken) < 300
    assert stats.status == "partial"


def test_a_record_over_the_limit_is_skipped_and_counted() -> None:
    bomb = record(b"\0" * (8 << 20), "bomb")
    for data in (members(THREE[0], bomb, THREE[2]), THREE[0] + bomb + THREE[2]):
        records, stats = read(data)
        assert names(records) == ["0", "2"]
        assert stats.records_skipped == 1
        assert "limit" in stats.error


@pytest.mark.parametrize("length", [2 << 20, 10**12])
def test_a_wrong_length_over_the_limit_costs_no_other_record_of_a_file_that_is_not_packed(length: int) -> None:
    records, stats = read(THREE[0] + record(b"{}", "wrong", length=length) + THREE[2] + THREE[1])
    assert names(records) == ["0", "2", "1"]
    assert (stats.records_skipped, stats.status) == (1, "partial")
    # The next record is in a later piece of the file.
    records, stats = read(THREE[0] + record(b"x" * (1 << 20), "long", length=length) + THREE[2])
    assert names(records) == ["0", "2"]
    assert stats.records_skipped == 1


def test_a_block_that_ends_where_the_next_records_header_does_costs_no_other_record() -> None:
    length = len(record(b"{}", "short")) - record(b"{}", "short").index(b"{}") + THREE[1].index(b"\r\n\r\n")
    records, _ = read(THREE[0] + record(b"{}", "short", length=length) + THREE[1] + THREE[2])
    assert names(records) == ["0", "short", "1", "2"]
    assert records[1].body == b"{}"


def test_a_block_may_hold_what_looks_like_a_record() -> None:
    body = b"an example:\r\n\r\n" + THREE[1] + b"and more"
    records, stats = read(record(body, "about") + THREE[2])
    assert names(records) == ["about", "2"]
    assert (records[0].body, stats.status) == (body, "ok")


def test_a_bomb_without_a_length_is_skipped() -> None:
    header = b"WARC/1.0\r\nWARC-Type: metadata\r\n\r\n"
    records, stats = read(members(THREE[0], header + b"x" * (8 << 20), THREE[2]))
    assert names(records) == ["0", "2"]
    assert stats.records_skipped >= 1


SMALL = [record(b"%d" % n * 20, str(n)) for n in range(30)]


@pytest.mark.parametrize("pack", [gzip.compress, frames])
def test_whole_records_before_the_end_of_a_packed_file_that_breaks_off(pack: Callable[[bytes], bytes]) -> None:
    data = pack(b"".join(SMALL))
    counts = []
    for end in range(20, len(data)):
        records, stats = read(data[:end])
        assert names(records) == [str(n) for n in range(len(records))]
        assert all(item.body == b"%d" % n * 20 for n, item in enumerate(records))
        assert stats.status == "partial"
        counts.append(len(records))
    assert counts == sorted(counts)
    assert counts[-1] == 30


def test_a_member_of_many_records_with_a_wrong_checksum_keeps_them() -> None:
    data = bytearray(gzip.compress(b"".join(SMALL)))
    data[-6] ^= 1
    records, stats = read(bytes(data))
    assert names(records) == [str(n) for n in range(30)]
    assert (stats.status, stats.records_skipped) == ("partial", 0)


def test_a_member_of_many_records_keeps_those_before_its_damage() -> None:
    many = [record(hashlib.blake2b(b"%d" % n).hexdigest().encode() * 4, str(n)) for n in range(200)]
    data = bytearray(gzip.compress(b"".join(many)))
    data[len(data) // 2] ^= 0xFF
    records, stats = read(bytes(data) + members(THREE[0]))
    assert names(records)[:90] == [str(n) for n in range(90)]
    assert names(records)[-1] == "0"
    assert (stats.status, stats.records_skipped) == ("partial", 1)


@pytest.mark.parametrize("cut", range(1, len(THREE[1])))
def test_a_record_that_goes_on_in_the_next_member(cut: int) -> None:
    records, stats = read(members(THREE[0], THREE[1][:cut], THREE[1][cut:], THREE[2]))
    assert names(records) == ["0", "1", "2"]
    assert records[1].body == b'{"n": 1}'
    assert (stats.status, stats.records_skipped) == ("ok", 0)


@pytest.mark.parametrize("limit", [100, LIMIT])
def test_a_large_record_of_many_members(limit: int) -> None:
    large = record(b"x" * 50_000, "large")
    parts = [large[start : start + 1000] for start in range(0, len(large), 1000)]
    records, stats = read(members(THREE[0], *parts, THREE[2]), limit)
    assert names(records) == (["0", "2"] if limit == 100 else ["0", "large", "2"])
    assert stats.records_skipped == (limit == 100)


@pytest.mark.parametrize("broken", [1, 2, 3])
def test_damage_in_one_of_a_records_members_costs_no_other_record(broken: int) -> None:
    large = record(b"%d" % 7 * 3000, "large")
    parts = [large[:120], large[120:1000], large[1000:]]
    packed = [gzip.compress(item) for item in (THREE[0], *parts, THREE[2])]
    packed[broken] = packed[broken][:-6] + b"?" + packed[broken][-5:]
    records, stats = read(b"".join(packed))
    assert names(records)[0] == "0"
    assert names(records)[-1] == "2"
    assert set(names(records)) <= {"0", "large", "2"}
    assert (stats.status, stats.records_skipped) == ("partial", 1)


@pytest.mark.parametrize("size", [1000, 600_000])
def test_rubbish_counts_once_however_long_it_is(size: int) -> None:
    rubbish = (b"no record at all\n" * size)[:size]
    for data in (
        b"".join(THREE) + rubbish,
        THREE[0] + rubbish + THREE[1] + THREE[2],
        members(*THREE) + rubbish,
        members(THREE[0]) + rubbish + members(*THREE[1:]),
        members(THREE[0], rubbish, *THREE[1:]),
        members(*THREE) + b"\x1f\x8b\x08" * 20 + rubbish,
    ):
        records, stats = read(data)
        assert names(records) == ["0", "1", "2"]
        assert (stats.records_skipped, stats.status) == (1, "partial")


class Breaking(io.BytesIO):
    """A connection that breaks for good after its bytes."""

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if not data:
            raise InputError("test", "reset")
        return data


@pytest.mark.parametrize("wrapping", ["plain", "a member a record", "one member", "a frame a record", "one frame"])
def test_a_connection_that_breaks_costs_no_record_that_is_there(wrapping: str) -> None:
    data = WRAPPINGS[wrapping]
    counts = []
    for end in range(1, len(data) + 1):
        stats = InputStats("test")
        records: list[Record] = []
        with pytest.raises(InputError):
            for item in read_records(Breaking(data[:end]), stats, LIMIT):
                records.append(item)  # those before the error stay
        assert stats.records_skipped == 0
        counts.append(len(records))
    assert counts == sorted(counts)
    assert counts[-1] == 3
    if wrapping == "plain":
        ends = [len(b"".join(THREE[: n + 1])) - len(b"\r\n\r\n") for n in range(3)]
        assert counts == [sum(complete <= end for complete in ends) for end in range(1, len(data) + 1)]


def test_header_lines_that_go_on_in_the_next_line() -> None:
    folded = (
        b"WARC/1.0\r\nWARC-Type:\r\n RESPONSE\r\nWARC-Target-URI: http://a/\r\n\tb\r\n  c\r\n"
        b"content-LENGTH: \n 2\r\n\r\n{}\r\n\r\n"
    )
    for data in (folded + THREE[1], members(folded, THREE[1])):
        records, stats = read(data)
        assert records[0].headers == {
            "warc-type": "response",
            "warc-target-uri": "http://a/ b c",
            "content-length": "2",
        }
        assert (records[0].body, len(records), stats.status) == (b"{}", 2, "ok")


@pytest.mark.parametrize("kind", ["response", "Response", "RESPONSE"])
def test_types_in_any_case(kind: str) -> None:
    records, _ = read(b"WARC/0.18\r\nwarc-TYPE: %s\r\nContent-Length: 0\r\n\r\n\r\n\r\n" % kind.encode())
    assert records[0].headers["warc-type"] == "response"


def test_a_header_is_searched_once() -> None:
    """Lines that begin like a record, without a header's end behind them."""

    class Counting:
        searched = 0
        pattern = re.compile(rb"\n\r?\n")

        def search(self, data: bytes, start: int, end: int) -> re.Match[bytes] | None:
            self.searched += max(0, min(end, len(data)) - start)
            return self.pattern.search(data, start, end)

    data = b"WARC/1.0\r\n" * 50_000
    counting = Counting()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(framing, "HEADER_END", counting)
        assert read(data)[0] == []
    assert counting.searched < 4 * len(data)


def _seconds(data: bytes) -> float:
    started = time.process_time()
    read(data)
    return time.process_time() - started


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [
        lambda n: members(*(bytes([byte]) for byte in record(b"x" * n))),
        lambda n: b"WARC/1.0\r\n\r\n" * (10 * n),
        lambda n: gzip.compress((record(b"{}") + b"rubbish") * (4 * n), 1),
        lambda n: gzip.compress(record(b"{}", length=LIMIT) * (4 * n), 1),
    ],
    ids=["a member a byte", "no lengths", "rubbish", "wrong lengths"],
)
def test_time_grows_no_faster_than_the_file(make: Callable[[int], bytes]) -> None:
    small, large = make(500), make(4_000)
    assert min(_seconds(large) for _ in range(2)) < 24 * max(_seconds(small) for _ in range(2))


@pytest.mark.parametrize("data", [b"", b"\x1f\x8b", b"\0" * 100, b"PNG and so on", gzip.compress(b"no WARC", mtime=0)])
def test_what_is_no_warc_yields_nothing(data: bytes) -> None:
    records, _ = read(data)
    assert records == []


@given(st.binary(max_size=400))
def test_any_bytes_raise_nothing(data: bytes) -> None:
    records, stats = read(data)
    assert len(records) == stats.records
    assert (stats.status == "ok") == (stats.error == "")


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=5), st.integers(0, 400), st.binary(max_size=3))
def test_damage_never_raises_and_never_costs_records_before_it(
    bodies: list[bytes], position: int, replacement: bytes
) -> None:
    packed = [gzip.compress(record(body, str(n))) for n, body in enumerate(bodies)]
    data = b"".join(packed)
    position = min(position, len(data))
    records, _ = read(data[:position] + replacement + data[position + len(replacement) :])
    untouched = 0
    for member in packed:
        position -= len(member)
        if position < 0:
            break
        untouched += 1
    assert names(records)[:untouched] == [str(n) for n in range(untouched)]
