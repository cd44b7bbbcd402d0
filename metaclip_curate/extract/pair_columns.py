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
    """Rows of pairs, column by column. The first four lists have the same length.

    Attributes:
        urls: URLs of the images.
        texts: Texts.
        sources: Attribute that each text is from.
        page_urls: URL of each image's page.
        left_out: Indices of rows that were dropped.
    """

    urls: list[str]
    texts: list[str]
    sources: list[str]
    page_urls: list[str]
    left_out: Collection[int]

    def new_rows(self, seen: set[bytes], languages: TextLanguages, crawl: str, source_file: str) -> pa.RecordBatch:
        """Returns the rows with new uids, as a batch with the schema `schemas.PAIRS`.

        Args:
            seen: Uids of earlier rows, UID_BYTES bytes each. The batch's uids are added, and an empty one for the rows
                that are left out.
            languages: Identifies the texts' languages.
            crawl: Name of the crawl, for every row.
            source_file: Name of the file, for every row.

        Returns:
            A batch, which may have no rows.
        """
        uids = pair_uids(self.urls, self.texts)
        for row in self.left_out:
            uids[row] = _NO_UID
        seen.add(_NO_UID)
        known = len(seen)
        # Whole columns at once, since a loop over the rows takes twice the time.
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
    """Returns the uids of pairs: BLAKE2b of URL and text, which also decides every random draw about them.

    Args:
        urls: n resolved URLs.
        texts: n cleaned texts.

    Returns:
        n uids of UID_BYTES bytes, which tables have in hex digits.
    """
    new = hashlib.blake2b(digest_size=UID_BYTES).copy  # takes half the time of a new one
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
    """Converts the first `size` bytes of each value to hex digits. All values have the same length."""
    whole = np.frombuffer(b"".join(values), np.uint8)
    digits = whole.reshape(-1, len(values[0]) if values else size)[:, :size].tobytes().hex().encode()
    offsets = np.arange(0, len(digits) + 1, 2 * size, dtype=np.int32)
    return pa.StringArray.from_buffers(len(values), pa.py_buffer(offsets), pa.py_buffer(digits))
