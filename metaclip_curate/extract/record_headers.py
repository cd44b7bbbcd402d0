"""Header fields of a WARC record (ISO 28500)."""

from __future__ import annotations

import re
from functools import lru_cache

from metaclip_curate.extract.stored_bytes import Bytes

_HEADER_SPACE = " \t\r\n\v\f"
_FOLD = re.compile(r"\r?\n[ \t]+")
_TYPE = "warc-type"


def parse_headers(block: Bytes) -> dict[str, str]:
    """Parses a record's header.

    Args:
        block: The record up to the end of its header, the first line included.

    Returns:
        Value by field name. The names, and the value of WARC-Type, are in lower case.
    """
    text = block.decode("utf-8", "replace")
    if "\n " in text or "\n\t" in text:
        text = _FOLD.sub(" ", text)
    headers: dict[str, str] = {}
    for line in text.split("\n")[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers[_field_name(name)] = value.strip(_HEADER_SPACE)
    if _TYPE in headers:
        headers[_TYPE] = headers[_TYPE].lower()
    return headers


@lru_cache(maxsize=1 << 8)
def _field_name(raw: str) -> str:
    """Returns a field's name in lower case. A file has few names, and looking one up is faster than converting it."""
    return raw.strip(_HEADER_SPACE).lower()


def content_length(headers: dict[str, str]) -> int | None:
    """Returns the length of a record's block in bytes; None if the field is missing or malformed."""
    value = headers.get("content-length", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else None
