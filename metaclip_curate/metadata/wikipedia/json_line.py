"""A line of JSON with the plain text of a page in the field `text`.

CirrusSearch dumps (https://www.mediawiki.org/wiki/Help:CirrusSearch) have the bulk format of Elasticsearch: a line with
the action, `{"index": ...}`, then a line with the page, whose text has no markup, tables or captions. Hugging Face's
wikimedia/wikipedia as JSON lines has the fields id, url, title and text.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from metaclip_curate.metadata.wikipedia.stats import Fate


@dataclass(frozen=True)
class PlainArticle:
    """The text of a page without markup."""

    text: str


class _Line(msgspec.Struct):
    index: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    text: str | None = None
    namespace: int = 0


def read_line(data: bytes) -> PlainArticle | Fate | None:
    """Reads a line.

    Args:
        data: The line without its line break.

    Returns:
        The text, or the reason why there is none; None for a line with an action.
    """
    try:
        line = msgspec.json.decode(data, type=_Line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "broken_record"
    if line.namespace != 0:
        return "other_namespace"
    if line.text is None:
        return "no_text" if line.index is msgspec.UNSET else None
    return PlainArticle(line.text) if line.text.strip() else "no_text"
