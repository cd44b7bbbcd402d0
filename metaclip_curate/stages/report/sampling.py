"""Samples of pairs by a hash, and what the report shows of a sampled pair."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate import balance
from metaclip_curate.report.facts import SampledPair

SAMPLE = 20
TEXT_CHARACTERS = 300
# Columns that a sample is made from, and the rows that it has.
SAMPLED_FROM = ("uid", "text", "lang", "lang_score", "url")
SAMPLED = pa.schema(
    [
        pa.field("hash", pa.int64()),
        pa.field("uid", pa.string()),
        pa.field("text", pa.string()),
        pa.field("lang", pa.string()),
        pa.field("lang_score", pa.float32()),
        pa.field("host", pa.string()),
    ]
)
_SHOWN = ("uid", "text", "lang", "lang_score", "host")
# Ratio of the pairs below the cut to the requested number, so that a sample is hardly ever too small.
_OVERSAMPLED = 3
_LARGEST = 2**63 - 1
_HOST = r"^https?://(?:[^/?#@]*@)?(?P<host>\[[^\]]*\]|[^/?#:]*)"

Hashes = npt.NDArray[np.int64]
Sampled = dict[str, Any]


def sampling_hashes(uids: pa.Array, table: str) -> Hashes:
    """Returns hashes of uids that are uniform from 0 to 2^63 - 1, and independent of the draw and of other tables'.

    Args:
        uids: Uids, shape (n,).
        table: Name of the table.
    """
    return (balance.order_keys(uids, zlib.crc32(table.encode())) >> np.uint64(1)).astype(np.int64)


def sampling_cut(number: int, rows: int) -> int:
    """Returns the hash below which about three times the requested number of rows lie.

    Args:
        number: Number of rows that are requested.
        rows: Number of all rows.
    """
    share = min(1.0, _OVERSAMPLED * number / rows) if rows else 1.0
    return min(_LARGEST, round(share * 2.0**63))


def sampled_rows(rows: pa.RecordBatch, hashes: Hashes) -> pa.RecordBatch:
    """Returns rows of SAMPLED.

    Args:
        rows: Rows with the columns SAMPLED_FROM and any others.
        hashes: The hash of each, shape (n,).
    """
    uid, text, lang, lang_score, url = (rows.column(name) for name in SAMPLED_FROM)
    long = pc.greater(pc.utf8_length(text), TEXT_CHARACTERS)
    cut = pc.binary_join_element_wise(pc.utf8_slice_codeunits(text, 0, TEXT_CHARACTERS - 1), "…", "")
    columns = [pa.array(hashes), uid, pc.if_else(long, cut, text), lang, lang_score, hosts(url)]
    return pa.RecordBatch.from_arrays(columns, schema=SAMPLED)


def hosts(urls: pa.Array) -> pa.Array:
    """Returns the hosts in URLs, without a user name and a port; empty for a URL without a host."""
    return pc.struct_field(pc.extract_regex(urls, _HOST), "host").fill_null("")


def first_by_hash(rows: list[Sampled], number: int) -> list[Sampled]:
    """Returns the rows with the smallest hashes, in the order of the hashes."""
    return sorted(rows, key=lambda row: (row["hash"], row["uid"]))[:number]


def sampled_pair(row: Sampled, fate: str) -> SampledPair:
    """Returns a row of a sample as a fact of the report."""
    values: dict[str, Any] = {name: row[name] for name in _SHOWN}
    return SampledPair(**values, fate=fate)
