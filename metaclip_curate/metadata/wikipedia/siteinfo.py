"""The header of a dump, from which the wiki's names of its namespaces are read."""

from __future__ import annotations

import re
from html import unescape

from metaclip_curate.metadata.wikipedia.container import read_pieces
from metaclip_curate.metadata.wikipedia.dump_files import DumpFile
from metaclip_curate.metadata.wikipedia.splits import FileSplit
from metaclip_curate.storage import StorageOptions

# Every wiki understands the English names; Image is the former name of File.
ENGLISH_HIDDEN = frozenset({"file", "image", "media", "category"})
_HIDDEN_KEYS = ("-2", "6", "14")  # media, files, categories
_NAMESPACE = re.compile(r'<namespace key="(-?\d+)"[^>]*>([^<]*)</namespace>')
_LONGEST_HEADER = 1 << 20


def hidden_namespaces(source: DumpFile, storage: StorageOptions) -> frozenset[str]:
    """Reads the names of the namespaces whose links aren't text: files, media and categories.

    Args:
        source: A pages-articles dump.
        storage: Credentials and limits for reading the file.

    Returns:
        The names in the header and the English ones, in lower case.

    Raises:
        InputError: The file can't be read.
    """
    header = b""
    for piece in read_pieces(FileSplit(source), storage):
        header += piece.data or b""
        if b"</siteinfo>" in header or b"<page>" in header or len(header) > _LONGEST_HEADER or piece.data is None:
            break
    text = header.partition(b"</siteinfo>")[0].decode("utf-8", "replace")
    own = {unescape(name).casefold() for key, name in _NAMESPACE.findall(text) if key in _HIDDEN_KEYS and name}
    return ENGLISH_HIDDEN | own
