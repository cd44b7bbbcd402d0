"""Rows of the table `pairs`, column by column, and the record batch that they become."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import compress

import numpy as np
import pyarrow as pa

from metaclip_curate.extract.text_languages import TextLanguages
from metaclip_curate.schemas import PAIRS

UID_BYTES = 16
IMAGE_ID_BYTES = 12
_NO_UID = b""


@dataclass(frozen=True)
class PairColumns:
    """What differs from row to row; the first four lists have the same length.

    Attributes:
        urls: The images' URLs.
        texts: The texts.
        sources: The attributes that the texts are from.
        page_urls: The pages that the images stand on.
        left_out: Numbers of rows that are none.
    """

    urls: list[str]
    texts: list[str]
    sources: list[str]
    page_urls: list[str]
    left_out: Collection[int]

    def new_rows(self, seen: set[bytes], languages: TextLanguages, crawl: str, source_file: str) -> pa.RecordBatch:
        """Makes a batch with the schema `schemas.PAIRS` of the rows that are new.

        Args:
            seen: The uids that were there before, UID_BYTES bytes each; those of the batch are added, and an empty one
                for the rows that are left out.
            languages: Label the texts.
            crawl: The crawl's name, in every row.
            source_file: The file's path, in every row.

        Returns:
            A batch, maybe without rows.
        """
        uids = pair_uids(self.urls, self.texts)
        for row in self.left_out:
            uids[row] = _NO_UID
        seen.add(_NO_UID)
        known = len(seen)
        # Whole columns at once: a loop that looks at one row after the other takes twice the time.
        fresh = [uid not in seen and not seen.add(uid) for uid in uids]  # type: ignore[func-returns-value]
        rows = len(seen) - known
        columns = (self.urls, self.texts, self.sources, self.page_urls)
        urls, texts, sources, page_urls = (list(compress(values, fresh)) for values in columns)
        labels, scores = languages.identify(texts)
        batch = [
            _hex_strings(list(compress(uids, fresh)), UID_BYTES),
            _hex_strings(_image_ids(urls), IMAGE_ID_BYTES),
            pa.array(urls, pa.string()),
            pa.array(texts, pa.string()),
            pa.array(sources, pa.string()),
            labels,
            scores,
            pa.array(page_urls, pa.string()),
            pa.repeat(pa.scalar(crawl, pa.string()), rows),
            pa.repeat(pa.scalar(source_file, pa.string()), rows),
        ]
        return pa.RecordBatch.from_arrays(batch, schema=PAIRS)


def pair_uids(urls: Iterable[str], texts: Iterable[str]) -> list[bytes]:
    """What tells pairs apart, and decides all that is random about them: BLAKE2b of URL and text.

    Args:
        urls: n resolved URLs.
        texts: Their texts, clean.

    Returns:
        n uids of UID_BYTES bytes; tables have them in hex digits.
    """
    new = hashlib.blake2b(digest_size=UID_BYTES).copy  # costs half of making one
    uids = []
    for url, text in zip(urls, texts, strict=True):
        digest = new()
        digest.update(f"{url}\n{text}".encode())
        uids.append(digest.digest())
    return uids


def _image_ids(urls: Iterable[str]) -> list[bytes]:
    sha224 = hashlib.sha224
    return [sha224(url.encode()).digest() for url in urls]


def _hex_strings(values: list[bytes], size: int) -> pa.Array:
    """Writes the first `size` bytes of values of one length in hex digits, all at once."""
    whole = np.frombuffer(b"".join(values), np.uint8)
    digits = whole.reshape(-1, len(values[0]) if values else size)[:, :size].tobytes().hex().encode()
    offsets = np.arange(0, len(digits) + 1, 2 * size, dtype=np.int32)
    return pa.StringArray.from_buffers(len(values), pa.py_buffer(offsets), pa.py_buffer(digits))
