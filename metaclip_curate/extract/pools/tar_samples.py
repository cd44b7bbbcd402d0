"""Samples of webdataset's tars: neighbouring files with the same name up to the first dot.

The fields of a sample's .json file and the text of its .txt file are the columns of its row. Pictures aren't read.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from metaclip_curate.extract.input_stats import InputStats
from metaclip_curate.extract.pools.columns import KEY, TXT
from metaclip_curate.extract.pools.json_lines import Find, Types, batches_of_objects, decoded_object
from metaclip_curate.extract.pools.raw_rows import RawRows
from metaclip_curate.extract.pools.tar_archive import TarArchive
from metaclip_curate.extract.stored_bytes import Readable

_JSON, _TEXT = "json", TXT


def read_samples(stream: Readable, find: Find, types: Types, stats: InputStats, most_bytes: int) -> Iterator[RawRows]:
    """Reads a row of each sample.

    Args:
        stream: The tar's bytes.
        find: Finds the columns among the names in the first samples.
        types: Types of the kept columns by their names in the .json files.
        stats: Rows, bytes and damage are recorded here.
        most_bytes: Largest number of bytes of a .json or .txt file.

    Raises:
        InputError: The stream raised it.
        ColumnError: A column is missing, or a kept one has another type.
    """
    yield from batches_of_objects(sample_objects(stream, stats, most_bytes), find, types)


def split_name(name: str) -> tuple[str, str]:
    """Returns the key and the extension of a file, which are before and after the first dot of its base name."""
    folder, base = posixpath.split(name)
    key, _, extension = base.partition(".")
    return posixpath.join(folder, key), extension.lower()


def sample_objects(stream: Readable, stats: InputStats, most_bytes: int) -> Iterator[tuple[dict[str, Any], int]]:
    """Yields the columns of each sample, and the bytes of its .json and .txt files."""
    archive = TarArchive(stream, stats, lambda name: split_name(name)[1] in (_JSON, _TEXT), most_bytes)
    try:
        yield from _rows(archive, stats)
    finally:
        stats.bytes_read = archive.position


def _rows(archive: TarArchive, stats: InputStats) -> Iterator[tuple[dict[str, Any], int]]:
    for key, members in groupby(archive.members(), key=lambda member: split_name(member.name)[0]):
        files: dict[str, bytes | None] = {split_name(member.name)[1]: member.data for member in members}
        if not posixpath.basename(key):  # a hidden file
            continue
        stats.records += 1
        row = _row(key, files)
        if row is None:
            stats.records_skipped += 1
            stats.mark_damaged(f"the .json file of {key} isn't a JSON object")
            continue
        yield row, sum(len(data) for data in files.values() if data)


def _row(key: str, files: dict[str, bytes | None]) -> dict[str, Any] | None:
    """Returns a sample's columns; None if its JSON is damaged."""
    row: dict[str, Any] = {}
    data = files.get(_JSON)
    if data is not None:
        decoded = decoded_object(data)
        if decoded is None:
            return None
        row = decoded
    text = files.get(_TEXT)
    if text is not None:
        row[TXT] = text.decode("utf-8", "replace")
    row[KEY] = key
    return row
