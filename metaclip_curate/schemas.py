"""The Arrow schema of every table: the specification in code."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from metaclip_curate.errors import UserError

# Begins the URLs of a pool's pairs that have none of their own (--no-url), which lead nowhere.
POOL_URN = "urn:pool:"

# One row for each unique (url, text) of an input file.
PAIRS = pa.schema(
    [
        pa.field("uid", pa.string()),  # 32 hex digits: BLAKE2b-128 of url + "\n" + text; the dedup key
        pa.field("image_id", pa.string()),  # 24 hex digits: the first of SHA-224 of the URL
        pa.field(
            "url", pa.string()
        ),  # absolute http(s) URL, normalised, without fragment, up to 8,192 bytes; or POOL_URN
        pa.field("text", pa.string()),  # one line, stripped, never empty
        pa.field("text_source", pa.string()),  # alt, title or data-image-title; of a pool the column's name
        pa.field("page_url", pa.string()),  # URL of the page with the image
        pa.field("page_lang", pa.string()),  # what its <html lang> says, lower case, up to 35 characters; or empty
        pa.field("license", pa.string()),  # URL of the Creative Commons licence that it declares, or empty
        pa.field("source_id", pa.string()),  # a pool's own id of the pair; empty for other inputs; kept columns follow
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
        pa.field("dropped_opt_out", pa.int64()),  # on a page that says noai, noml, tdm-reservation or ai-train=no
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

# The distinct pairs that a screen rejects.
SCREENED = pa.schema(
    [
        pa.field("uid", pa.string()),
        pa.field("metadata_lang", pa.string()),  # the language whose entries would be searched for; empty without one
        pa.field("reason", pa.string()),  # one of `screens.reasons.REASONS`
    ]
)

# The pairs of a manifest whose image a screen rejects, in a rebalanced run.
SCREENED_IMAGES = pa.schema(
    [
        *MATCHED,
        pa.field("reason", pa.string()),  # one of `screens.reasons.IMAGE_REASONS`
        pa.field("detail", pa.string()),  # what was found, in words; may be empty
    ]
)

# The images of a download, one row for each that was fetched.
FINGERPRINTS = pa.schema(
    [
        pa.field("uid", pa.string()),  # of the pair that it was fetched for; null if the download didn't keep uids
        pa.field("shard", pa.string()),  # name of the shard, such as 00000
        pa.field("key", pa.string()),  # name of the sample in it
        pa.field("error", pa.string()),  # why it can't be decoded; empty if it can
        pa.field("sha256", pa.string()),  # of the file as it was fetched; null if that isn't known
        pa.field("md5", pa.string()),  # likewise
        pa.field("pdq", pa.string()),  # 64 hex digits, as ThreatExchange's tools write PDQ hashes; null with an error
        pa.field("quality", pa.int32()),  # of the PDQ hash, from 0 (nothing to see) to 100
        pa.field("width", pa.int32()),  # pixels, before img2dataset resized the image if it recorded that
        pa.field("height", pa.int32()),
    ]
)

# A classifier's scores of the images of a download.
SCORES = pa.schema(
    [
        pa.field("key", pa.string()),  # name of the sample in its shard
        pa.field("score", pa.float64()),  # null of an image that can't be decoded
    ]
)

# The hashes of a folder of evaluation images.
BENCHMARK_HASHES = pa.schema(
    [
        pa.field("name", pa.string()),  # of the file, relative to the folder
        pa.field("state", pa.string()),  # by which a file that was replaced is noticed
        pa.field("error", pa.string()),  # why it can't be decoded; empty if it can
        pa.field("pdq", pa.string()),  # as in FINGERPRINTS
    ]
)

# What was taken down from a run; pairs that it applies to are in no later manifest.
REMOVED = pa.schema(
    [
        pa.field("kind", pa.string()),  # uid, url, host or image_id
        pa.field("value", pa.string()),
        pa.field("reason", pa.string()),  # as it was given
        pa.field("date", pa.string()),  # when, in UTC: 2026-11-28T06:10:00Z
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

# What became of each distinct pair, as `metaclip-curate fates` writes it.
FATES = pa.schema(
    [
        *(MANIFEST.field(name) for name in ("uid", "image_id", "url", "text", "source_id", "lang", "lang_score")),
        pa.field("metadata_lang", pa.string()),  # as in MATCHED; empty if no list is for the pair's language
        pa.field("fate", pa.string()),  # a value of `run.fates.Fate`
        # Of a pair that a screen rejected, one of `screens.reasons.REASONS` or `IMAGE_REASONS`; else empty.
        pa.field("reason", pa.string()),
        pa.field("entry_ids", pa.list_(pa.int32())),  # of a matched pair; else null
        pa.field("keep_probability", pa.float64()),  # of a matched pair; else null
        pa.field("draw", pa.float64()),  # of a matched pair; else null
    ]
)

_SPARK_TYPES = {
    pa.string(): "string",
    pa.bool_(): "boolean",
    pa.int8(): "tinyint",
    pa.int16(): "smallint",
    pa.int32(): "int",
    pa.int64(): "bigint",
    pa.float32(): "float",
    pa.float64(): "double",
}
# Types of a pool's columns that Spark doesn't have, and those in which they are kept.
_WIDENED = {
    pa.uint8(): pa.int16(),
    pa.uint16(): pa.int32(),
    pa.uint32(): pa.int64(),
    pa.float16(): pa.float32(),
    pa.large_string(): pa.string(),
    pa.string_view(): pa.string(),
}
_TYPES_BY_NAME = {str(kind): kind for kind in _SPARK_TYPES}
_LIST_OF = "list of "
# img2dataset refuses tables that have one of the first; stages give the last to columns of their own.
_FORBIDDEN = (
    *("key", "caption", "width", "height", "original_width", "original_height", "status", "error_message"),
    *("exif", "md5", "sha256", "sha512"),
    *("order_key", "file", "range", "first", "starts", "rank", "offset", "partition", "selection", "row", "task"),
)
_PREFIX = "pool_"

# Columns of a pool that are kept, in the order in which the command names them.
Kept = tuple[pa.Field, ...]


def with_kept(schema: pa.Schema, kept: Kept) -> pa.Schema:
    """Inserts the kept columns of a pool after `source_id`.

    Args:
        schema: `PAIRS` or a schema that begins with its columns.
        kept: The kept columns, from `kept_columns`.
    """
    after = schema.get_field_index("source_id") + 1
    fields = list(schema)
    return pa.schema([*fields[:after], *kept, *fields[after:]])


def kept_columns(names: Sequence[str], types: Sequence[str]) -> Kept:
    """Returns the columns of a run's tables that hold the kept columns of a pool.

    Args:
        names: Names of the columns in the pool.
        types: Name of each column's type, from `kept_type`.

    Returns:
        The columns, with a prefix where a table has a column of that name or img2dataset forbids it.

    Raises:
        UserError: Two columns would have the same name.
    """
    # Spark doesn't distinguish upper from lower case.
    taken = {*MANIFEST.names, *_FORBIDDEN}
    named = [f"{_PREFIX}{name}" if name.lower() in taken else name for name in names]
    for name, given in zip(named, names, strict=True):
        if [each.lower() for each in named].count(name.lower()) > 1 and name != given:
            raise UserError(
                f"--keep-columns names {given} and {name}, and {given} is kept as {name}: leave one out or rename it"
            )
    return tuple(pa.field(name, _type_of(kind)) for name, kind in zip(named, types, strict=True))


def kept_type(kind: pa.DataType, column: str) -> str:
    """Returns the name of the type in which a column of a pool is kept.

    Args:
        kind: Type of the column in the pool.
        column: Name of the column and its file, for the message.

    Raises:
        UserError: Columns of this type can't be kept.
    """
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _LIST_OF + kept_type(kind.value_type, column)
    found = _WIDENED.get(kind, kind)
    if found not in _SPARK_TYPES:
        raise UserError(
            f"{column} has the type {kind}, which --keep-columns doesn't take: name columns of strings, numbers, "
            "booleans or lists of them"
        )
    return str(found)


def _type_of(name: str) -> pa.DataType:
    if name.startswith(_LIST_OF):
        return pa.list_(_type_of(name.removeprefix(_LIST_OF)))
    return _TYPES_BY_NAME[name]


def ddl(schema: pa.Schema) -> str:
    """Returns a schema as DDL, which Spark's `schema=` arguments take.

    Args:
        schema: Schema of this module, or one with the same types.

    Returns:
        "name type, name type, ...".
    """
    return ", ".join(f"{column.name} {_spark_type(column.type)}" for column in schema)


def arrow_type(spark_type: str) -> pa.DataType | None:
    """Returns the type of a DataFrame's column, or None if tables have no such columns.

    Args:
        spark_type: Type in `DataFrame.dtypes`.
    """
    element = spark_type.removeprefix("array<").removesuffix(">")
    if element != spark_type:
        inner = arrow_type(element)
        return None if inner is None else pa.list_(inner)
    return next((kind for kind, name in _SPARK_TYPES.items() if name == spark_type), None)


def _spark_type(kind: pa.DataType) -> str:
    return f"array<{_spark_type(kind.value_type)}>" if pa.types.is_list(kind) else _SPARK_TYPES[kind]
