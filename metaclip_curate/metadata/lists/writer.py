"""The files of a metadata folder that is built here: lists, the table of where entries are from, sources.json.

Nothing in them depends on when or where they were made: no time, no path of a machine, fixed compression levels.
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

SOURCES_FILE = "sources.json"
KIND = "metaclip-curate metadata"
ENTRIES_FOLDER = "entries"
_ZSTD_LEVEL = 19
_FORMATS: tuple[ListFormat, ...] = ("txt.zst", "json")
_OTHERS = ("txt",)


def list_bytes(entries: Sequence[str], list_format: ListFormat) -> bytes:
    """A list as `MetadataFolder` reads it; entries of a txt.zst have no line breaks."""
    if list_format == "json":
        return json.dumps(list(entries), ensure_ascii=False, indent=0).encode() + b"\n"
    data = "".join(f"{entry}\n" for entry in entries).encode()
    packed: bytes = pa.Codec("zstd", compression_level=_ZSTD_LEVEL).compress(data, asbytes=True)
    return packed


def check_free(folder: str, language: str, list_format: ListFormat, ours: bool, options: StorageOptions) -> None:
    """Looks that a list takes no other's place.

    Args:
        folder: The metadata folder.
        language: The list's language.
        list_format: Its format.
        ours: Whether the file of that format, if there is one, was made here before.
        options: How to reach the folder.

    Raises:
        UserError: There is another list of the language.
    """
    present = set(storage.list_folder(folder, options))
    for ending in (*_FORMATS, *_OTHERS):
        name = f"{language}.{ending}"
        if name in present and not (ours and ending == list_format):
            raise UserError(f"{storage.join(folder, name)} is there already: remove it or give another --output")


def write_list(
    folder: str, language: str, entries: Sequence[str], list_format: ListFormat, options: StorageOptions
) -> dict[str, Any]:
    """Writes a list.

    Returns:
        Its file, digest and number of entries.
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
    return pq.read_table(pa.BufferReader(storage.read_bytes(url, options)))


def entries_file(folder: str, language: str) -> str:
    """Where the table of a language's entries is."""
    return storage.join(folder, ENTRIES_FOLDER, f"{language}.parquet")


def read_sources(folder: str, options: StorageOptions) -> dict[str, Any]:
    """What the folder's sources.json says of each language; empty without one.

    Raises:
        UserError: It is damaged, or another command's.
    """
    languages: dict[str, Any] = _document(folder, options)["languages"]
    return languages


def note_sources(
    folder: str, language: str, section: dict[str, Any], page_views: dict[str, Any], options: StorageOptions
) -> None:
    """Writes what is known of a language's list to the folder's sources.json, beside the other languages'.

    Args:
        folder: The metadata folder.
        language: The language.
        section: What is known of its list; its `pageviews` names one of `page_views`.
        page_views: Files that languages share, by name.
        options: How to reach the folder.
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
    raise UserError(f"{folder} holds something else ({kind}): give another --output")
