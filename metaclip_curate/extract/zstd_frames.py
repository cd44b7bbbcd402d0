"""Unpacks zstd frame by frame (RFC 8878), and finds the next one after damage.

Files named .warc.zst may begin with a skippable frame that holds a dictionary, which all frames need (IIPC, Zstandard
Compression for WARC Files 1.0). Frames are walked block by block, so that little memory is taken for any.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import zstandard

from metaclip_curate.extract.input_stats import InputStats
from metaclip_curate.extract.members import DamagedMemberError, Unpacked, Vain, kind_of_rubbish
from metaclip_curate.extract.stored_bytes import End, Piece, StoredBytes

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_find_frame = re.compile(re.escape(ZSTD_MAGIC)).search
_SKIPPABLE = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18")
_DICTIONARY_FRAME = b"\x5d\x2a\x4d\x18"
_MAGIC_BYTES = len(ZSTD_MAGIC)
_SKIPPABLE_HEADER_BYTES = 8
_MOST_HEADER_BYTES = 18
_BLOCK_HEADER_BYTES, _CHECKSUM_BYTES = 3, 4
_REPEATED_BYTE, _RESERVED = 1, 3  # types of blocks
# What the specification for WARCs asks of readers; a larger skippable frame is taken for damage.
_MOST_DICTIONARY_BYTES = 1 << 23
_MOST_WINDOW_MIB = 128  # libzstd's own bound, and what it says of a larger one
_TOO_LARGE = "requires too much memory"


def starts_as_zstd(start: bytes) -> bool:
    """Whether bytes begin with a frame, be it one with data or a skippable one."""
    return start.startswith(ZSTD_MAGIC) or _SKIPPABLE.match(start) is not None


def read_frames(stored: StoredBytes, stats: InputStats) -> Iterator[Piece]:
    """Unpacks frame after frame.

    Args:
        stored: The file, at its first byte.
        stats: Damage is noted here.

    Yields:
        What was packed; a frame of no more than a few MiB is one piece.
    """
    vain = Vain()
    unpackers = _Unpackers(_take_dictionary(stored, stats))
    while stored.fill(1):
        stored.fill(_MAGIC_BYTES)
        if stored.starts_with(ZSTD_MAGIC):
            unpacked = Unpacked(stored)
            try:
                yield from _frame(stored, unpacked, unpackers)
            except DamagedMemberError as error:
                stats.damaged(error.reason)
                yield unpacked.last_piece(error)
                vain.skip(stored, unpacked)
                _to_next_frame(stored)
        elif not _skip_frame(stored):
            rubbish = kind_of_rubbish(stored, stats) or "bytes between zstd frames that are no frame"
            stored.consume(1)
            _to_next_frame(stored)
            if not stored.broken:
                stats.damaged(rubbish)
                yield Piece(b"", End.DAMAGE)
    if stored.broken:
        yield Piece(b"", End.BROKEN)


class _Unpackers:
    """zstd's unpackers, with the file's dictionary and without.

    Args:
        dictionary: As zstd writes it; empty where the file has none.
    """

    def __init__(self, dictionary: bytes) -> None:
        self._plain = zstandard.ZstdDecompressor()
        self._with_dictionary = self._plain
        self._number = 0
        if dictionary:
            loaded = zstandard.ZstdCompressionDict(dictionary)
            self._with_dictionary = zstandard.ZstdDecompressor(dict_data=loaded)
            self._number = loaded.dict_id()

    def of(self, number: int) -> zstandard.ZstdDecompressionObj:
        """Returns an unpacker for a frame that names a dictionary by its number, 0 where it names none.

        Raises:
            DamagedMemberError: The file hasn't got that dictionary.
        """
        if number not in (0, self._number):
            raise DamagedMemberError(f"a zstd frame needs the dictionary {number}, which the file doesn't hold")
        return (self._with_dictionary if number else self._plain).decompressobj()


def _take_dictionary(stored: StoredBytes, stats: InputStats) -> bytes:
    """Consumes the dictionary's frame at a file's beginning, if there is one, and returns what it holds."""
    stored.fill(_SKIPPABLE_HEADER_BYTES)
    if not stored.starts_with(_DICTIONARY_FRAME):
        return b""
    size = int.from_bytes(stored.window(_MAGIC_BYTES, 4), "little")
    if size > _MOST_DICTIONARY_BYTES or not stored.fill(_SKIPPABLE_HEADER_BYTES + size):
        return b""
    data = stored.window(_SKIPPABLE_HEADER_BYTES, size)
    try:
        if data.startswith(ZSTD_MAGIC):
            unpacked_size = zstandard.get_frame_parameters(data).content_size
            if unpacked_size == zstandard.CONTENTSIZE_UNKNOWN:
                raise DamagedMemberError("the zstd dictionary doesn't say how large it is")
            if unpacked_size > _MOST_DICTIONARY_BYTES:
                raise DamagedMemberError(f"the zstd dictionary is larger than {_MOST_DICTIONARY_BYTES >> 20} MiB")
            data = zstandard.ZstdDecompressor().decompress(data)
    except DamagedMemberError as error:
        stats.damaged(error.reason)
        data = b""
    except zstandard.ZstdError as error:
        stats.damaged(f"the file's zstd dictionary is damaged: {error}")
        data = b""
    stored.consume(_SKIPPABLE_HEADER_BYTES + size)
    return data


def _frame(stored: StoredBytes, unpacked: Unpacked, unpackers: _Unpackers) -> Iterator[Piece]:
    """Unpacks the frame at hand, and consumes it once it is found to be whole.

    Raises:
        DamagedMemberError: It isn't. `unpacked` holds what came before the damage.
    """
    stored.fill(_MOST_HEADER_BYTES)
    start = stored.window(0, _MOST_HEADER_BYTES)
    try:
        frame = zstandard.get_frame_parameters(start)
        unpacker = unpackers.of(frame.dict_id)
        yield from unpacked.add(unpacker.decompress(unpacked.exactly(zstandard.frame_header_size(start))))
        last = False
        while not last:
            header = unpacked.exactly(_BLOCK_HEADER_BYTES)
            number = int.from_bytes(header, "little")
            last, kind, size = bool(number & 1), number >> 1 & 3, number >> 3
            if kind == _RESERVED or size > zstandard.BLOCKSIZE_MAX:
                raise DamagedMemberError("damaged zstd frame: a block is invalid")
            block = header + unpacked.exactly(1 if kind == _REPEATED_BYTE else size)
            yield from unpacked.add(unpacker.decompress(block))
        if frame.has_checksum:
            unpacker.decompress(unpacked.exactly(_CHECKSUM_BYTES))
    except zstandard.ZstdError as error:
        if _TOO_LARGE in str(error):
            raise DamagedMemberError(f"a zstd frame wants a window of more than {_MOST_WINDOW_MIB} MiB") from None
        raise DamagedMemberError(f"damaged zstd frame: {error}") from None
    yield unpacked.piece(End.MEMBER)
    stored.consume(unpacked.tried)


def _skip_frame(stored: StoredBytes) -> bool:
    """Consumes the skippable frame at hand, if there is one and something sensible follows it."""
    stored.fill(_SKIPPABLE_HEADER_BYTES)
    size = int.from_bytes(stored.window(_MAGIC_BYTES, 4), "little")
    if not _SKIPPABLE.match(stored.buffer, stored.at) or size > _MOST_DICTIONARY_BYTES:
        return False
    whole = _SKIPPABLE_HEADER_BYTES + size
    stored.fill(whole + _MAGIC_BYTES)
    following = stored.window(whole, _MAGIC_BYTES)
    if stored.ahead != whole and not starts_as_zstd(following):
        return False
    stored.consume(whole)
    return True


def _to_next_frame(stored: StoredBytes) -> None:
    """Consumes bytes up to the next that look like a frame's start, or all."""
    while True:
        following = _find_frame(stored.buffer, stored.at)
        # The next frame's first bytes may be the last that are read.
        kept = 0 if stored.ended else _MAGIC_BYTES - 1
        stored.at = following.start() if following else max(stored.at, len(stored.buffer) - kept)
        if following or stored.ended:
            return
        stored.more()
