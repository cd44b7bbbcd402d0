"""Files of Wikipedia text with their encoding, packing and index, as their names say."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, replace

from metaclip_curate.errors import UserError
from metaclip_curate.metadata.wikipedia.file_names import Encoding, Packing, dump_of_index, encoding_of, wiki_of


@dataclass(frozen=True)
class DumpFile:
    """A file of Wikipedia text.

    Attributes:
        path: Path or URL.
        form: `xml` for a pages-articles dump, multistream or not; `json` for lines with the field `text`, as in a
            CirrusSearch dump or Hugging Face's layout; `parquet` for a column `text`.
        packing: Compression of the file; none for Parquet, which compresses its pages itself.
        index: Path of the index of a multistream dump; empty without one.
        wiki: Code of the wiki in the file's name (zh_yue); empty if the name has none.
    """

    path: str
    form: Encoding
    packing: Packing = "none"
    index: str = ""
    wiki: str = ""

    @property
    def can_be_split(self) -> bool:
        """Whether several tasks can share the file. A gzip stream can only be read from its beginning."""
        return self.packing != "gz"


def is_dump_file(path: str) -> bool:
    """Returns whether a file's name is that of Wikipedia text, or of the index of such a file."""
    return dump_of_index(path) is not None or encoding_of(posixpath.basename(path)) is not None


def dump_files(paths: Sequence[str]) -> list[DumpFile]:
    """Recognises files by their names and assigns indices to their dumps.

    Args:
        paths: Paths or URLs of dumps and indices.

    Returns:
        The files with text, each once, in the given order.

    Raises:
        UserError: A name isn't recognised, an index has no dump, or there is no text at all.
    """
    found: dict[str, DumpFile] = {}
    indices: dict[str, str] = {}
    for path in paths:
        if dump := dump_of_index(path):
            indices[dump] = path
            continue
        encoding = encoding_of(posixpath.basename(path))
        if encoding is None:
            raise UserError(
                f"{path} is no file of Wikipedia text by its name; give *-pages-articles*.xml.bz2, CirrusSearch's "
                "*.json.gz, or *.parquet or *.jsonl with a column text."
            )
        found[path] = DumpFile(path, *encoding, wiki=wiki_of(path))
    for dump, index in indices.items():
        if dump not in found:
            raise UserError(f"{index} is the index of {dump}, which isn't given; add it or leave the index out.")
        found[dump] = replace(found[dump], index=index)
    if not found:
        raise UserError("No file of Wikipedia text is given; name a dump of the language's Wikipedia.")
    return list(found.values())
