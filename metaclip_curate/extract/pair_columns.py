"""Rows of the table `pairs`, column by column, and the record batch that they become."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate.extract.hex_strings import Bytes, to_hex
from metaclip_curate.schemas import PAIRS

UID_BYTES = 16
IMAGE_ID_BYTES = 12
_SHA224_BYTES = 28
_NO_UID = b""

Strings: TypeAlias = "Sequence[str] | pa.StringArray"


@dataclass(frozen=True)
class PairColumns:
    """Rows of pairs, column by column, and what they have from their pages, which many rows share.

    Attributes:
        urls: URLs of n images.
        texts: n texts.
        sources: Attribute that each text is from; n strings.
        page_of_row: Index of the page of each row; n integers.
        page_urls: URL of each page.
        page_langs: Language that each page declares; empty if it declares none.
        licenses: URL of the licence that each page declares; empty if it declares none.
        left_out: Indices of rows that were dropped.
    """

    urls: list[str]
    texts: list[str]
    sources: list[str]
    page_of_row: npt.NDArray[np.int64]
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
        fresh = new_uids(uids, seen)
        rows = sum(fresh)
        pages = pa.array(self.page_of_row[np.array(fresh, np.bool_)])
        urls = pa.array(list(compress(self.urls, fresh)), pa.string())
        batch = [
            uid_column(compress(uids, fresh)),
            image_id_column(urls),
            urls,
            *(pa.array(list(compress(values, fresh)), pa.string()) for values in (self.texts, self.sources)),
            # A string for each page instead of each row.
            *(pa.array(of, pa.string()).take(pages) for of in (self.page_urls, self.page_langs, self.licenses)),
            pa.repeat(pa.scalar("", pa.string()), rows),  # source_id, which only pools have
            pa.repeat(pa.scalar(crawl, pa.string()), rows),
            pa.repeat(pa.scalar(source_file, pa.string()), rows),
        ]
        return pa.RecordBatch.from_arrays(batch, schema=PAIRS)


def pair_uids(urls: Strings, texts: Strings) -> list[bytes]:
    """Returns the uids of pairs: BLAKE2b of URL and text, which also decides every random draw about them.

    Args:
        urls: n resolved URLs.
        texts: n cleaned texts.

    Returns:
        n uids of UID_BYTES bytes, which tables have in hex digits.
    """
    joined = pc.binary_join_element_wise(_array(urls), _array(texts), "\n")
    return _digests(hashlib.blake2b(digest_size=UID_BYTES), joined)


def new_uids(uids: Iterable[bytes], seen: set[bytes]) -> list[bool]:
    """Returns whether each uid is new, and adds it to those that were seen."""
    # Whole columns at once, since a loop over the rows takes twice the time.
    return [uid not in seen and not seen.add(uid) for uid in uids]  # type: ignore[func-returns-value]


def uid_column(uids: Iterable[bytes]) -> pa.Array:
    """Returns the column uid."""
    return to_hex(_as_rows(uids, UID_BYTES))


def image_id_column(urls: Strings) -> pa.Array:
    """Returns the column image_id: the first hex digits of each URL's SHA-224."""
    return to_hex(_as_rows(_digests(hashlib.sha224(), _array(urls)), _SHA224_BYTES)[:, :IMAGE_ID_BYTES])


def _digests(empty: Any, values: pa.StringArray) -> list[bytes]:
    """Returns the digest of each string.

    Args:
        empty: Hash object of no bytes, which is copied in half the time that a new one takes.
        values: Strings without nulls. Slices of their bytes are hashed, which saves making a string of each.
    """
    _, offsets, data = values.buffers()
    if not len(values):
        return []
    bounds = np.frombuffer(offsets, np.int32)[values.offset : values.offset + len(values) + 1]
    used = b"" if data is None else data.slice(bounds[0], bounds[-1] - bounds[0]).to_pybytes()
    copy = empty.copy
    digests = []
    start = 0
    for end in (bounds[1:] - bounds[0]).tolist():
        digest = copy()
        digest.update(used[start:end])
        digests.append(digest.digest())
        start = end
    return digests


def _array(values: Strings) -> pa.StringArray:
    return values if isinstance(values, pa.Array) else pa.array(values, pa.string())


def _as_rows(ids: Iterable[bytes], size: int) -> Bytes:
    return np.frombuffer(b"".join(ids), np.uint8).reshape(-1, size)
