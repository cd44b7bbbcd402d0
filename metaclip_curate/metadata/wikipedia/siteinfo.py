"""What the header of a dump says about its wiki: how it calls its namespaces."""

from __future__ import annotations

import re
from html import unescape

from metaclip_curate.metadata.wikipedia.container import read_pieces
from metaclip_curate.metadata.wikipedia.ranges import ByteRange
from metaclip_curate.metadata.wikipedia.sources import Source
from metaclip_curate.storage import StorageOptions

# English names are understood by every wiki; Image is the former name of File.
ENGLISH_HIDDEN = frozenset({"file", "image", "media", "category"})
_HIDDEN_KEYS = ("-2", "6", "14")  # media, files, categories
_NAMESPACE = re.compile(r'<namespace key="(-?\d+)"[^>]*>([^<]*)</namespace>')
_LONGEST_HEADER = 1 << 20


def hidden_namespaces(source: Source, storage: StorageOptions) -> frozenset[str]:
    """Names of namespaces that a link to is no text: of files, media and categories.

    Args:
        source: A pages-articles dump.
        storage: How to reach it.

    Returns:
        The wiki's own names, as far as the header has them, and the English ones; in small letters.

    Raises:
        InputError: The file can't be read.
    """
    header = b""
    for piece in read_pieces(ByteRange(source), storage):
        header += piece.data or b""
        if b"</siteinfo>" in header or b"<page>" in header or len(header) > _LONGEST_HEADER or piece.data is None:
            break
    text = header.partition(b"</siteinfo>")[0].decode("utf-8", "replace")
    own = {unescape(name).casefold() for key, name in _NAMESPACE.findall(text) if key in _HIDDEN_KEYS and name}
    return ENGLISH_HIDDEN | own
