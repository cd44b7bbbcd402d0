"""The Arrow schema of every table: the specification in code."""

from __future__ import annotations

import pyarrow as pa

# One row for each unique (url, text) of an input file.
PAIRS = pa.schema(
    [
        pa.field("uid", pa.string()),  # 32 hex digits: BLAKE2b-128 of url + "\n" + text; the dedup key
        pa.field("image_id", pa.string()),  # 24 hex digits: the first of SHA-224 of the URL
        pa.field("url", pa.string()),  # absolute http(s) URL, WHATWG-normalised, without fragment, up to 8,192 bytes
        pa.field("text", pa.string()),  # one line, stripped, never empty
        pa.field("text_source", pa.string()),  # alt, title or data-image-title
        pa.field("page_url", pa.string()),  # URL of the page with the image
        pa.field("page_lang", pa.string()),  # what its <html lang> says, lower case, up to 35 characters; or empty
        pa.field("license", pa.string()),  # URL of the Creative Commons licence that it declares, or empty
        pa.field("crawl", pa.string()),  # name of the crawl, such as CC-MAIN-2025-30; empty if unknown
        pa.field("source_file", pa.string()),  # the input file's name
    ]
)

# One row per input file. image_links = links used + the four dropped; texts = duplicate_texts + pairs.
INPUTS = pa.schema(
    [
        pa.field("path", pa.string()),  # the input file's name
        pa.field("status", pa.string()),  # ok, partial (damaged, but what was readable was kept) or failed
        pa.field("error", pa.string()),  # the first error; empty if the status is ok
        pa.field("bytes_read", pa.int64()),  # as stored, compressed
        pa.field("records", pa.int64()),  # WARC records read
        pa.field("records_skipped", pa.int64()),  # damaged, undecodable or over the size limit
        pa.field("pages", pa.int64()),  # records that were read as a page; in WAT files, those with HTML metadata
        pa.field("image_links", pa.int64()),  # image links of the pages
        pa.field("dropped_opt_out", pa.int64()),  # on a page that says noai, noimageai or tdm-reservation
        pa.field("dropped_no_text", pa.int64()),  # without a text
        pa.field("dropped_bad_url", pa.int64()),  # empty, unparsable, over 8,192 bytes, or with a user or a password
        pa.field("dropped_not_http", pa.int64()),  # neither http nor https
        pa.field("texts", pa.int64()),  # texts of the remaining links
        pa.field("duplicate_texts", pa.int64()),  # (url, text) seen before in this file
        pa.field("pairs", pa.int64()),  # unique pairs within the file
        pa.field("seconds", pa.float64()),  # wall time of reading; the only column that differs between runs
    ]
)

# The pairs of all inputs, each uid once.
DISTINCT = pa.schema(
    [
        *PAIRS,
        pa.field("lang", pa.string()),  # the language-ID model's label of the text, without __label__
        pa.field("lang_score", pa.float32()),  # its probability
    ]
)

# The distinct pairs whose text contains at least one entry.
MATCHED = pa.schema(
    [
        *DISTINCT,
        pa.field("metadata_lang", pa.string()),  # the language whose entries the text was searched for
        pa.field("entry_ids", pa.list_(pa.int32())),  # ascending, no repeats
    ]
)

# One row per entry of every language that had a matched text.
COUNTS = pa.schema(
    [
        pa.field("metadata_lang", pa.string()),
        pa.field("entry_id", pa.int32()),  # position in the language's list, from 0
        pa.field("entry", pa.string()),
        pa.field("count", pa.int64()),  # number of texts that contain it
    ]
)

# One row per language that had a matched text.
THRESHOLDS = pa.schema(
    [
        pa.field("metadata_lang", pa.string()),
        pa.field("t", pa.int64()),  # entries with count >= t are the head
        pa.field("tail_share", pa.float64()),  # the tail's share of all matches at t
        pa.field("matches", pa.int64()),  # sum of the counts
        pa.field("entries", pa.int64()),  # number of entries
        pa.field("entries_unmatched", pa.int64()),  # entries with count 0
        pa.field("pairs", pa.int64()),  # matched pairs
        pa.field("expected_pairs", pa.float64()),  # sum of the keep probabilities of those that draw
    ]
)

# The curated pairs, with the numbers that decided about each.
MANIFEST = pa.schema(
    [
        *MATCHED,
        pa.field("keep_probability", pa.float64()),
        pa.field("draw", pa.float64()),  # kept because draw < keep_probability
    ]
)

_SPARK_TYPES = {
    pa.string(): "string",
    pa.int32(): "int",
    pa.int64(): "bigint",
    pa.float32(): "float",
    pa.float64(): "double",
    pa.list_(pa.int32()): "array<int>",
}


def ddl(schema: pa.Schema) -> str:
    """Returns a schema as DDL, which Spark's `schema=` arguments take.

    Args:
        schema: Schema of this module, or one with the same types.

    Returns:
        "name type, name type, ...".
    """
    return ", ".join(f"{column.name} {_SPARK_TYPES[column.type]}" for column in schema)
