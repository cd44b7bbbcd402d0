"""Files packed by zstd, with a dictionary at their beginning and without."""

from __future__ import annotations

import hashlib
import io
import struct

import pytest
import zstandard

from examples.warc_framing import warc_record
from metaclip_curate.extract.input_stats import InputStats
from metaclip_curate.extract.records import read_records

BODIES = [f"record {n}: {hashlib.blake2b(b'%d' % n).hexdigest() * 20}".encode() for n in range(8)]
RECORDS = [warc_record([("WARC-Type", "resource"), ("WARC-Date", "2025")], body) for body in BODIES]
DICTIONARY = zstandard.train_dictionary(
    2000, [record[start : start + 200] for record in RECORDS * 20 for start in range(0, 1000, 50)], dict_id=77_777
)


def read(data: bytes) -> tuple[list[bytes], InputStats]:
    stats = InputStats("test")
    return [bytes(record.body) for record in read_records(io.BytesIO(data), stats, 1 << 20)], stats


def frame(data: bytes, level: int = 3, sized: bool = True) -> bytes:
    return zstandard.ZstdCompressor(level, write_checksum=True, write_content_size=sized).compress(data)


def skippable(data: bytes, number: int = 0) -> bytes:
    return struct.pack("<II", 0x184D2A50 + number, len(data)) + data


FRAMES = [frame(record) for record in RECORDS]


def with_dictionary() -> bytes:
    packer = zstandard.ZstdCompressor(dict_data=DICTIONARY, write_checksum=True)
    return b"".join(packer.compress(record) for record in RECORDS)


@pytest.mark.parametrize(
    "data",
    [
        b"".join(FRAMES),
        b"".join(frame(record, -5) for record in RECORDS),
        b"".join(frame(record, sized=False) for record in RECORDS),
        b"".join(zstandard.ZstdCompressor(write_checksum=False).compress(record) for record in RECORDS),
        frame(b"".join(RECORDS), 19),
        skippable(b"first") + b"".join(one + skippable(b"\x28\xb5\x2f\xfd" * 5, 3) for one in FRAMES),
        frame(b"") + b"".join(FRAMES) + frame(b""),
        skippable(DICTIONARY.as_bytes(), 0xD) + with_dictionary(),
        skippable(frame(DICTIONARY.as_bytes()), 0xD) + with_dictionary(),
    ],
    ids=["frames", "fast", "no sizes", "no checksums", "one", "skippable", "empty", "dictionary", "packed dictionary"],
)
def test_all_records_of_whole_files(data: bytes) -> None:
    found, stats = read(data)
    assert found == BODIES
    assert (stats.status, stats.error, stats.records_skipped) == ("ok", "", 0)


@pytest.mark.parametrize("place", [2, 5, 20, -20, -2])
def test_a_damaged_frame_costs_its_record(place: int) -> None:
    broken = bytearray(FRAMES[3])
    broken[place] ^= 0x41
    found, stats = read(b"".join([*FRAMES[:3], bytes(broken), *FRAMES[4:]]))
    assert found == BODIES[:3] + BODIES[4:]
    assert (stats.status, stats.records_skipped) == ("partial", 1)
    assert "zstd" in stats.error


@pytest.mark.parametrize("rubbish", [b"?", b"rubbish" * 100, b"\x28\xb5\x2f\xfd", skippable(b"")[:6], b"\0" * 50])
def test_rubbish_between_frames_costs_no_record(rubbish: bytes) -> None:
    found, stats = read(b"".join([*FRAMES[:3], rubbish, *FRAMES[3:]]))
    assert found == BODIES
    assert (stats.status, stats.records_skipped) == ("partial", 1)


@pytest.mark.parametrize("size", [3, 1 << 20, 0xFFFFFFFF])
def test_a_wrong_length_of_a_skippable_frame_costs_no_record(size: int) -> None:
    wrong = skippable(b"skipped")[:4] + struct.pack("<I", size) + b"skipped"
    found, stats = read(b"".join([*FRAMES[:3], wrong, *FRAMES[3:]]))
    assert found == BODIES
    assert stats.status == "partial"


def test_a_damaged_beginning_costs_the_first_record() -> None:
    assert read(b"??" + b"".join(FRAMES)[2:])[0] == BODIES[1:]


def test_a_dictionary_that_is_not_there_is_named() -> None:
    found, stats = read(with_dictionary())
    assert found == []
    assert stats.error == "a zstd frame needs the dictionary 77777, which the file doesn't hold"


DAMAGED_TABLES = DICTIONARY.as_bytes()[:8] + b"\xff" * 30 + DICTIONARY.as_bytes()[38:]


@pytest.mark.parametrize(
    "dictionary", [b"", b"no dictionary", frame(DICTIONARY.as_bytes())[:-9] + b"?" * 9, DAMAGED_TABLES]
)
def test_a_damaged_dictionary_raises_nothing(dictionary: bytes) -> None:
    found, stats = read(skippable(dictionary, 0xD) + with_dictionary() + b"".join(FRAMES))
    assert found == BODIES
    assert stats.status == "partial"


def test_a_dictionary_that_unpacks_to_much_is_not_unpacked() -> None:
    bomb = frame(bytes(1 << 28))
    found, stats = read(skippable(bomb, 0xD) + b"".join(FRAMES))
    assert found == BODIES
    assert stats.error == "the zstd dictionary is larger than 8 MiB"


def test_a_dictionary_that_does_not_say_its_size() -> None:
    packer = zstandard.ZstdCompressor().compressobj()
    packed = packer.compress(DICTIONARY.as_bytes()) + packer.flush()
    found, stats = read(skippable(packed, 0xD) + b"".join(FRAMES))
    assert found == BODIES
    assert stats.error == "the zstd dictionary doesn't say how large it is"


def test_a_window_that_takes_too_much_memory() -> None:
    wide = zstandard.ZstdCompressionParameters(window_log=28)
    packer = zstandard.ZstdCompressor(compression_params=wide).compressobj()
    packed = packer.compress(BODIES[0]) + packer.flush()
    found, stats = read(packed + b"".join(FRAMES))
    assert found == BODIES
    assert stats.error == "a zstd frame wants a window of more than 128 MiB"


def test_a_bomb_costs_itself() -> None:
    long = warc_record([("WARC-Type", "resource")], bytes(64 << 20))
    found, stats = read(b"".join([*FRAMES[:3], frame(long), *FRAMES[3:]]))
    assert found == BODIES
    assert (stats.status, stats.records_skipped) == ("partial", 1)
