"""The form of a pool's file, by the end of its name or its first bytes."""

from __future__ import annotations

from enum import Enum


class Form(Enum):
    """A form in which pools are stored; the values are the endings of names."""

    PARQUET = (".parquet",)
    JSON_LINES = (".jsonl", ".jsonl.gz", ".jsonl.zst")
    CSV = (".csv", ".csv.gz")
    TSV = (".tsv", ".tsv.gz")
    TAR = (".tar",)


_TAR_MAGIC = slice(257, 262)
START_BYTES = 512  # enough to recognise a form


def form_of_name(name: str) -> Form | None:
    """Returns the form that a file's name ends with; None if it has another ending.

    Args:
        name: Path or URL; of a web address, the query doesn't matter.
    """
    path = name.partition("?")[0] if "://" in name else name
    return next((form for form in Form if path.endswith(form.value)), None)


def form_of_start(start: bytes) -> Form | None:
    """Returns the form of a file that begins with these bytes; None of a crawl file, or if only its name could tell."""
    if start.startswith(b"PAR1"):
        return Form.PARQUET
    if start[_TAR_MAGIC] == b"ustar":
        return Form.TAR
    return Form.JSON_LINES if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b'{"') else None
