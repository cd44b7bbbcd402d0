"""Rows of the table `pairs`, column by column, and the record batch that they become."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import compress

import numpy as np
import pyarrow as pa

from metaclip_curate.extract.hex_strings import Bytes, to_hex
from metaclip_curate.schemas import PAIRS

UID_BYTES = 16
IMAGE_ID_BYTES = 12
_SHA224_BYTES = 28
_NO_UID = b""


@dataclass(frozen=True)
class PairColumns:
    """Rows of pairs, column by column. All lists have the same length.

    Attributes:
        urls: URLs of the images.
        texts: Texts.
        sources: Attribute that each text is from.
        page_urls: URL of each image's page.
        page_langs: Language that each page declares; empty if it declares none.
        licenses: URL of the licence that each page declares; empty if it declares none.
        left_out: Indices of rows that were dropped.
    """

    urls: list[str]
    texts: list[str]
    sources: list[str]
    page_urls: list[str]
    page_langs: list[str]
    licenses: list[str]
    left_out: Collection[int]

    def new_rows(self, seen: set[bytes], crawl: str, source_file: str) -> pa.RecordBatch:
        """Returns the rows with new uids, as a batch with the schema `schemas.PAIRS`.

        Args:
            seen: Uids of earlier rows, UID_BYTES bytes each. The batch's uids are added, and an empty one for the rows
                that are left out.
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
        lists = (self.texts, self.sources, self.page_urls, self.page_langs, self.licenses)
        urls = list(compress(self.urls, fresh))
        batch = [
            to_hex(_as_rows(list(compress(uids, fresh)), UID_BYTES)),
            to_hex(_as_rows(_image_ids(urls), _SHA224_BYTES)[:, :IMAGE_ID_BYTES]),
            pa.array(urls, pa.string()),
            *(pa.array(list(compress(values, fresh)), pa.string()) for values in lists),
            pa.repeat(pa.scalar("", pa.string()), rows),  # source_id, which only pools have
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


def _as_rows(ids: list[bytes], size: int) -> Bytes:
    return np.frombuffer(b"".join(ids), np.uint8).reshape(-1, size)
