"""Parsing the file of a list: JSON, or text with one entry per line, plain or compressed.

The rules are those of `lists.folder`. A file that breaks them is an error and never repaired.
"""

from __future__ import annotations

import json

import pyarrow as pa

from metaclip_curate.errors import UserError

# A list of half a million entries has 10 MB.
_MOST_UNPACKED_BYTES = 1 << 30
_PIECE_BYTES = 1 << 20


def parse_list(data: bytes, source: str) -> list[str]:
    """Parses a list.

    Args:
        data: Content of the file.
        source: Name of the file, whose suffix says the format.

    Returns:
        The entries in order.

    Raises:
        UserError: The file breaks the rules of its format.
    """
    return _parse_json(data, source) if source.endswith(".json") else _parse_lines(data, source)


def _parse_json(data: bytes, source: str) -> list[str]:
    try:
        entries = json.loads(_decode(data, source))
    except json.JSONDecodeError as error:
        raise UserError(
            f"The metadata file {source} is malformed at line {error.lineno}, column {error.colno} ({error.msg}); "
            "it must be a JSON list of strings."
        ) from error
    except (RecursionError, ValueError) as error:
        # Deeply nested lists, or a number of thousands of digits.
        raise UserError(
            f"The metadata file {source} cannot be read ({error}); it must be a JSON list of strings."
        ) from error
    if not isinstance(entries, list):
        raise UserError(f"The metadata file {source} holds {_kind(entries)}; it must be a JSON list of strings.")
    for position, entry in enumerate(entries):
        if not isinstance(entry, str):
            raise UserError(
                f"The metadata file {source} holds {_kind(entry)} at position {position}; "
                "it must be a JSON list of strings."
            )
        if not entry.isascii() and _has_surrogate(entry):
            raise UserError(
                f"The metadata file {source} has half a surrogate pair in the string at position {position}; "
                "write the whole character."
            )
    return entries


def _parse_lines(data: bytes, source: str) -> list[str]:
    if source.endswith(".zst"):
        data = _unzstd(data, source)
    lines = _decode(data, source).replace("\r\n", "\n").split("\n")
    if lines[-1] == "":
        lines.pop()
    return lines


def _unzstd(data: bytes, source: str) -> bytes:
    unpacked = bytearray()
    try:
        with pa.CompressedInputStream(pa.BufferReader(data), "zstd") as stream:
            while len(unpacked) <= _MOST_UNPACKED_BYTES and (piece := stream.read(_PIECE_BYTES)):
                unpacked += piece
    except OSError as error:
        raise UserError(
            f"The metadata file {source} is damaged or isn't a Zstandard file ({error}); make it again."
        ) from error
    if len(unpacked) > _MOST_UNPACKED_BYTES:
        raise UserError(
            f"The metadata file {source} unpacks to more than {_MOST_UNPACKED_BYTES / 2**20:,.0f} MiB, as no list "
            "does; make it again."
        )
    return bytes(unpacked)


def _decode(data: bytes, source: str) -> str:
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"The metadata file {source} is not UTF-8 at line {line}, byte {error.start}; save it as UTF-8."
        ) from error


def _has_surrogate(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _kind(value: object) -> str:
    """Returns the name of a value's type in JSON."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        return "a string"
    if value is None:
        return "null"
    return "true or false" if isinstance(value, bool) else "a number"
