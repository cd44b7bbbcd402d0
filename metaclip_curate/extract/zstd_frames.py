"""zstd files (RFC 8878), decompressed frame by frame.

Files named .warc.zst may begin with a skippable frame that holds a dictionary, which all frames need (IIPC, Zstandard
Compression for WARC Files 1.0). Frames are decompressed block by block, so that no frame takes much memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import zstandard

from metaclip_curate.extract.input_stats import InputStats
from metaclip_curate.extract.partial_member import DamagedMemberError, PartialMember
from metaclip_curate.extract.stored_bytes import End, Piece, StoredBytes

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_FRAME = re.compile(re.escape(ZSTD_MAGIC))
_SKIPPABLE = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18")
_DICTIONARY_FRAME = b"\x5d\x2a\x4d\x18"
_MAGIC_BYTES = len(ZSTD_MAGIC)
_SKIPPABLE_HEADER_BYTES = 8
_MOST_HEADER_BYTES = 18
_BLOCK_HEADER_BYTES, _CHECKSUM_BYTES = 3, 4
_REPEATED_BYTE, _RESERVED = 1, 3  # block types
# Size that the specification for WARCs requires readers to support. A larger skippable frame counts as damage.
_MOST_DICTIONARY_BYTES = 1 << 23
_MOST_WINDOW_MIB = 128  # libzstd's bound, beyond which it reports _TOO_LARGE
_TOO_LARGE = "requires too much memory"


def starts_as_zstd(start: bytes) -> bool:
    """Returns whether bytes begin with a frame, which may be a skippable one."""
    return start.startswith(ZSTD_MAGIC) or _SKIPPABLE.match(start) is not None


class ZstdFormat:
    """The `MemberFormat` of zstd.

    Args:
        stored: The file, at its first byte. A frame with a dictionary is consumed.
        stats: A damaged dictionary is recorded here.
    """

    magic = ZSTD_MAGIC
    pattern = _FRAME
    garbage = "bytes between zstd frames that are no frame"

    def __init__(self, stored: StoredBytes, stats: InputStats) -> None:
        self._decompressors = _Decompressors()
        try:
            self._decompressors = _Decompressors(_take_dictionary(stored))
        except DamagedMemberError as error:
            stats.mark_damaged(error.reason)

    def skip_filler(self, stored: StoredBytes) -> bool:
        """Consumes the skippable frame at the position if it is followed by a frame or the end of the file."""
        stored.fill(_SKIPPABLE_HEADER_BYTES)
        size = int.from_bytes(stored.window(_MAGIC_BYTES, 4), "little")
        if not _SKIPPABLE.match(stored.buffer, stored.position) or size > _MOST_DICTIONARY_BYTES:
            return False
        whole = _SKIPPABLE_HEADER_BYTES + size
        stored.fill(whole + _MAGIC_BYTES)
        following = stored.window(whole, _MAGIC_BYTES)
        if stored.ahead != whole and not starts_as_zstd(following):
            return False
        stored.consume(whole)
        return True

    def whole_member(self, stored: StoredBytes) -> None:
        """Returns None: a frame's end is known only by walking its blocks."""

    def decompress(self, stored: StoredBytes, member: PartialMember) -> Iterator[Piece]:
        """Decompresses the frame at the position block by block, as `MemberFormat.decompress` does."""
        return _decompress(stored, member, self._decompressors)


class _Decompressors:
    """zstd's decompressors with the file's dictionary and without.

    Args:
        dictionary: A dictionary in zstd's format; empty if the file has none.

    Raises:
        DamagedMemberError: The dictionary is damaged.
    """

    def __init__(self, dictionary: bytes = b"") -> None:
        self._plain = zstandard.ZstdDecompressor()
        self._with_dictionary = self._plain
        self._dictionary_id = 0
        if dictionary:
            try:
                loaded = zstandard.ZstdCompressionDict(dictionary)
                self._with_dictionary = zstandard.ZstdDecompressor(dict_data=loaded)
            except zstandard.ZstdError as error:
                raise DamagedMemberError(f"the file's zstd dictionary is damaged: {error}") from error
            self._dictionary_id = loaded.dict_id()

    def of(self, dictionary_id: int) -> zstandard.ZstdDecompressionObj:
        """Returns a decompressor for a frame.

        Args:
            dictionary_id: The dictionary that the frame names; 0 if it names none.

        Raises:
            DamagedMemberError: The file doesn't have that dictionary.
        """
        if dictionary_id not in (0, self._dictionary_id):
            raise DamagedMemberError(f"a zstd frame needs the dictionary {dictionary_id}, which the file doesn't hold")
        return (self._with_dictionary if dictionary_id else self._plain).decompressobj()


def _take_dictionary(stored: StoredBytes) -> bytes:
    """Consumes the frame with a dictionary at a file's beginning, if there is one, and returns the dictionary.

    Raises:
        DamagedMemberError: The dictionary is damaged or too large.
    """
    stored.fill(_SKIPPABLE_HEADER_BYTES)
    if not stored.starts_with(_DICTIONARY_FRAME):
        return b""
    size = int.from_bytes(stored.window(_MAGIC_BYTES, 4), "little")
    if size > _MOST_DICTIONARY_BYTES or not stored.fill(_SKIPPABLE_HEADER_BYTES + size):
        return b""
    data = stored.window(_SKIPPABLE_HEADER_BYTES, size)
    stored.consume(_SKIPPABLE_HEADER_BYTES + size)
    if not data.startswith(ZSTD_MAGIC):
        return data
    try:
        decompressed_size = zstandard.get_frame_parameters(data).content_size
        if decompressed_size == zstandard.CONTENTSIZE_UNKNOWN:
            raise DamagedMemberError("the zstd dictionary doesn't say how large it is")
        if decompressed_size > _MOST_DICTIONARY_BYTES:
            raise DamagedMemberError(f"the zstd dictionary is larger than {_MOST_DICTIONARY_BYTES >> 20} MiB")
        return zstandard.ZstdDecompressor().decompress(data)
    except zstandard.ZstdError as error:
        raise DamagedMemberError(f"the file's zstd dictionary is damaged: {error}") from error


def _decompress(stored: StoredBytes, member: PartialMember, decompressors: _Decompressors) -> Iterator[Piece]:
    stored.fill(_MOST_HEADER_BYTES)
    start = stored.window(0, _MOST_HEADER_BYTES)
    try:
        frame = zstandard.get_frame_parameters(start)
        decompressor = decompressors.of(frame.dict_id)
        yield from member.add(decompressor.decompress(member.exactly(zstandard.frame_header_size(start))))
        last = False
        while not last:
            header = member.exactly(_BLOCK_HEADER_BYTES)
            number = int.from_bytes(header, "little")
            last, kind, size = bool(number & 1), number >> 1 & 3, number >> 3
            if kind == _RESERVED or size > zstandard.BLOCKSIZE_MAX:
                raise DamagedMemberError("damaged zstd frame: a block is invalid")
            block = header + member.exactly(1 if kind == _REPEATED_BYTE else size)
            yield from member.add(decompressor.decompress(block))
        if frame.has_checksum:
            decompressor.decompress(member.exactly(_CHECKSUM_BYTES))
    except zstandard.ZstdError as error:
        if _TOO_LARGE in str(error):
            raise DamagedMemberError(f"a zstd frame wants a window of more than {_MOST_WINDOW_MIB} MiB") from None
        raise DamagedMemberError(f"damaged zstd frame: {error}") from None
    yield member.piece(End.MEMBER)
    stored.consume(member.consumed)
