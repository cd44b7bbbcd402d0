"""Importing a list that was made elsewhere, such as MetaCLIP's own metadata.json."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.metadata.lists.folder import read_list
from metaclip_curate.metadata.lists.writer import check_no_other_list, read_sources, record_sources, write_list
from metaclip_curate.metadata.sources.editions import check_languages
from metaclip_curate.options.build_metadata import ListFormat
from metaclip_curate.storage import StorageOptions

MADE_BY = "import"
LICENCE_NOTE = (
    "as its publisher says; MetaCLIP's own metadata.json is CC BY-NC 4.0, which does not allow commercial use"
)


@dataclass(frozen=True)
class Imported:
    """An imported list.

    Attributes:
        file: Path or URL of the list in the metadata folder.
        entries: Number of entries; their ids are their positions, so all keep their positions.
        repeats: Number of entries that occur earlier in the list.
        empty: Number of empty entries, which no text matches.
    """

    file: str
    entries: int
    repeats: int
    empty: int


def import_list(
    path: str,
    folder: str,
    language: str,
    list_format: ListFormat | None,
    options: StorageOptions,
    own: Callable[[], None] = lambda: None,
) -> Imported:
    """Copies a list to a metadata folder without changing its entries or their positions.

    Args:
        path: A JSON list of strings, or a text file with one entry per line.
        folder: The metadata folder.
        language: Metadata language of the list.
        list_format: Format to write. Default: txt.zst, or json if an entry has a line break.
        options: Credentials and limits for reading and writing.
        own: Called before the folder is changed; raises an error if another build is writing it.

    Raises:
        UserError: The file isn't such a list or has no entries, the folder already has a list of the language, or an
            entry has a line break, which the format can't hold.
    """
    check_languages([language], "--language")
    read = read_list(path, language, options)
    if not read.entries:
        raise UserError(f"{path} has no entry: name a list that has some")
    broken = any("\n" in entry or entry.endswith("\r") for entry in read.entries)
    chosen: ListFormat = list_format or ("json" if broken else "txt.zst")
    if broken and chosen != "json":
        raise UserError(f"{path} has an entry with a line break, which {chosen} can't hold: give --format json")
    own()
    ours = read_sources(folder, options).get(language, {})
    check_no_other_list(
        folder, language, chosen, ours.get("made_by") == MADE_BY and ours.get("of") == read.digest, options
    )
    written = write_list(folder, language, read.entries, chosen, options)
    counted = Counter(read.entries)
    repeats, empty = len(read.entries) - len(counted), counted[""]
    section = {
        **written,
        "made_by": MADE_BY,
        "of": read.digest,
        "files": {"imported": {"licence": LICENCE_NOTE, "files": [{"file": Path(path).name, "sha256": read.digest}]}},
        "sources": [{"name": "imported", "entries": len(read.entries), "repeats": repeats, "empty": empty}],
    }
    record_sources(folder, language, section, {}, options)
    return Imported(storage.join(folder, written["file"]), len(read.entries), repeats, empty)
