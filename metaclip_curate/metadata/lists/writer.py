"""Writing the files of a metadata folder: lists, the table of each list's entries, and sources.json.

The files have no times and no paths of a machine, and are compressed at fixed levels, so that equal builds give equal
bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.options.build_metadata import ListFormat
from metaclip_curate.storage import StorageOptions
from metaclip_curate.storage.parquet_bytes import read_parquet

SOURCES_FILE = "sources.json"
KIND = "metaclip-curate metadata"
ENTRIES_FOLDER = "entries"
BUILD = "build"  # what sources.json names as the maker of a list that `metadata build` made
_ZSTD_LEVEL = 19
_FORMATS: tuple[ListFormat, ...] = ("txt.zst", "json")
_OTHERS = ("txt",)


def list_bytes(entries: Sequence[str], list_format: ListFormat) -> bytes:
    """Serializes a list in a format that `MetadataFolder` reads; for txt.zst, entries must not have line breaks."""
    if list_format == "json":
        return json.dumps(list(entries), ensure_ascii=False, indent=0).encode() + b"\n"
    data = "".join(f"{entry}\n" for entry in entries).encode()
    packed: bytes = pa.Codec("zstd", compression_level=_ZSTD_LEVEL).compress(data, asbytes=True)
    return packed


def check_no_other_list(
    folder: str, language: str, list_format: ListFormat, ours: bool, options: StorageOptions
) -> None:
    """Checks that a folder has no other list of a language.

    Args:
        folder: The metadata folder.
        language: Language of the list.
        list_format: Format of the list.
        ours: Whether an existing file of that format was made by the same build or import and may be replaced.
        options: Credentials and limits for reading the folder.

    Raises:
        UserError: The folder has another list of the language.
    """
    present = set(storage.list_folder(folder, options))
    for ending in (*_FORMATS, *_OTHERS):
        name = f"{language}.{ending}"
        if name in present and not (ours and ending == list_format):
            raise UserError(f"{storage.join(folder, name)} already exists: remove it or give another --output")


def write_list(
    folder: str, language: str, entries: Sequence[str], list_format: ListFormat, options: StorageOptions
) -> dict[str, Any]:
    """Writes a list.

    Returns:
        Name, digest and number of entries, as in sources.json.
    """
    name, data = f"{language}.{list_format}", list_bytes(entries, list_format)
    storage.write_bytes(storage.join(folder, name), data, options)
    return {"file": name, "sha256": hashlib.sha256(data).hexdigest(), "entries": len(entries)}


def write_table(url: str, table: pa.Table, options: StorageOptions) -> None:
    """Writes a small table as one Parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", compression_level=3)
    storage.write_bytes(url, sink.getvalue().to_pybytes(), options)


def read_table(url: str, options: StorageOptions) -> pa.Table:
    """Reads a small table."""
    return read_parquet(storage.read_bytes(url, options))


def entries_file(folder: str, language: str) -> str:
    """Returns the path of the table of a language's entries."""
    return storage.join(folder, ENTRIES_FOLDER, f"{language}.parquet")


def read_sources(folder: str, options: StorageOptions) -> dict[str, Any]:
    """Reads the sections of sources.json by language; empty if there is no such file.

    Raises:
        UserError: The file is damaged, or was written by another command.
    """
    languages: dict[str, Any] = _document(folder, options)["languages"]
    return languages


def record_sources(
    folder: str, language: str, section: dict[str, Any], page_views: dict[str, Any], options: StorageOptions
) -> None:
    """Writes the section of a language to sources.json and keeps those of other languages.

    Args:
        folder: The metadata folder.
        language: The language.
        section: Section of the language, whose `pageviews` is a name in `page_views`.
        page_views: Sections about pageviews files, which languages share, by name.
        options: Credentials and limits for reading and writing the folder.
    """
    before = _document(folder, options)
    languages = dict(sorted({**before["languages"], language: section}.items()))
    used = {each.get("pageviews") for each in languages.values()}
    shared = {**before["pageviews"], **page_views}
    document = {
        "kind": KIND,
        "languages": languages,
        "pageviews": {name: shared[name] for name in sorted(shared) if name in used},
    }
    data = json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"
    storage.write_bytes(storage.join(folder, SOURCES_FILE), data, options)


def _document(folder: str, options: StorageOptions) -> dict[str, Any]:
    url = storage.join(folder, SOURCES_FILE)
    if not storage.exists(url, options):
        return {"languages": {}, "pageviews": {}}
    try:
        document = json.loads(storage.read_bytes(url, options))
        kind = document["kind"]
        if kind == KIND:
            return {"languages": dict(document["languages"]), "pageviews": dict(document["pageviews"])}
    except (ValueError, LookupError, TypeError) as error:
        raise UserError(f"{url} is damaged ({error}): remove it or give another --output") from error
    raise UserError(f"{folder} holds files of another kind ({kind}): give another --output")
