"""Rows of the table `pairs`, gathered column by column until they are a record batch."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from metaclip_curate.extract.text_languages import TextLanguages
from metaclip_curate.schemas import PAIRS

UID_BYTES = 16
IMAGE_ID_BYTES = 12


@dataclass
class PairColumns:
    """What differs from row to row; all lists have the same length.

    Attributes:
        uids: UID_BYTES bytes each.
        image_ids: IMAGE_ID_BYTES bytes each.
        urls: The images' URLs.
        texts: The texts.
        sources: The attributes that the texts are from.
        page_urls: The pages that the images stand on.
    """

    uids: list[bytes] = field(default_factory=list)
    image_ids: list[bytes] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    page_urls: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.uids)

    def take(self, languages: TextLanguages, crawl: str, source_file: str) -> pa.RecordBatch:
        """Makes a batch with the schema `schemas.PAIRS` of the rows, and forgets them."""
        rows = len(self)
        labels, scores = languages.identify(self.texts)
        columns = [
            _hex_strings(self.uids, UID_BYTES),
            _hex_strings(self.image_ids, IMAGE_ID_BYTES),
            pa.array(self.urls, pa.string()),
            pa.array(self.texts, pa.string()),
            pa.array(self.sources, pa.string()),
            labels,
            scores,
            pa.array(self.page_urls, pa.string()),
            pa.repeat(pa.scalar(crawl, pa.string()), rows),
            pa.repeat(pa.scalar(source_file, pa.string()), rows),
        ]
        for values in (self.uids, self.image_ids, self.urls, self.texts, self.sources, self.page_urls):
            values.clear()
        return pa.RecordBatch.from_arrays(columns, schema=PAIRS)


def _hex_strings(values: list[bytes], size: int) -> pa.Array:
    """Writes values of `size` bytes each in hex digits, all at once."""
    digits = b"".join(values).hex().encode()
    offsets = np.arange(0, len(digits) + 1, 2 * size, dtype=np.int32)
    return pa.StringArray.from_buffers(len(values), pa.py_buffer(offsets), pa.py_buffer(digits))
