"""Distributions over a table of pairs, and a sample of it, in one pass."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from metaclip_curate.report.facts import PairFacts
from metaclip_curate.schemas import ddl
from metaclip_curate.screens.license import license_code

SAMPLE = 20
TEXT_CHARACTERS = 300
_HOSTS = 20
_SCORE_BINS = 20
# Ratio of the pairs below the cut to the requested number, so that a sample is hardly ever too small.
_OVERSAMPLED = 3
_KEYS = pa.schema([pa.field("kind", pa.string()), pa.field("key", pa.string()), pa.field("rows", pa.int64())])

Sampled = dict[str, Any]


def sampling_hash(table: str) -> Column:
    """Returns a hash of a table's name and the uid, uniform over 64-bit integers and independent of the draw."""
    return F.xxhash64(F.lit(table), F.col("uid"))


def sampling_cut(number: int, rows: int) -> int:
    """Returns the hash below which about three times the requested number of rows lie.

    Args:
        number: Number of rows that are requested.
        rows: Number of all rows.
    """
    share = min(1.0, _OVERSAMPLED * number / rows) if rows else 1.0
    return min(2**63 - 1, round(share * 2.0**64) - 2**63)


def host() -> Column:
    """Returns the host in an image's URL, without a user name and a port."""
    return F.regexp_extract("url", r"^https?://(?:[^/?#@]*@)?(\[[^\]]*\]|[^/?#:]*)", 1)


def short_text(text: str = "text") -> Column:
    """Returns a text cut off after 300 characters."""
    limit = TEXT_CHARACTERS
    return F.when(F.length(text) > limit, F.concat(F.substring(text, 1, limit - 1), F.lit("…"))).otherwise(F.col(text))


def sampled_columns() -> list[Column]:
    """Returns the columns of a sample."""
    return [F.col("uid"), short_text().alias("text"), F.col("lang"), F.col("lang_score"), host().alias("host")]


def pair_facts(pairs: DataFrame, table: str, rows: int, hosts: Collection[str] = ()) -> tuple[PairFacts, list[Sampled]]:
    """Computes distributions over pairs, and samples them.

    Each pair becomes one row for each distribution, and each task sums up its rows before they are shuffled. Of the
    hosts, which are many, only the largest leave the workers.

    Args:
        pairs: Rows of `schemas.DISTINCT`; further columns are ignored.
        table: Name of the table, so that the samples of two tables differ.
        rows: Approximate number of rows.
        hosts: Hosts that are counted even if they are small.

    Returns:
        The distributions, and a sample of rows of uid, text, lang, lang_score and host.
    """
    score = F.least(F.floor(F.col("lang_score").cast("double") * _SCORE_BINS), F.lit(_SCORE_BINS - 1))
    octave = F.length(F.bin(F.length("text").cast("long"))) - 1
    row = F.to_json(F.struct(sampling_hash(table).alias("hash"), *sampled_columns()))
    chosen = F.when(sampling_hash(table) <= F.lit(sampling_cut(SAMPLE, rows)), row)
    counted = {
        "score": score.cast("string"),
        "length": octave.cast("string"),
        "source": F.col("text_source"),
        "host": host(),
        "license": F.when(F.col("license") != "", F.col("license")),
        "sample": chosen,
    }
    keys = [F.struct(F.lit(kind).alias("kind"), key.alias("key")) for kind, key in counted.items()]
    each = pairs.select(F.explode(F.array(*keys)).alias("at")).select("at.kind", "at.key")
    sums = each.filter(F.col("key").isNotNull()).groupBy("kind", "key").agg(F.count(F.lit(1)).alias("rows"))
    counted_hosts = sorted(hosts)
    found: dict[str, list[tuple[str, int]]] = {kind: [] for kind in (*counted, "hosts")}
    for kind, key, number in sums.mapInArrow(lambda batches: _bounded(batches, counted_hosts), ddl(_KEYS)).collect():
        found[kind].append((key, number))
    by_size = sorted(found["host"], key=lambda each: (-each[1], each[0]))
    number_of_pairs = sum(number for _, number in found["score"])
    facts = PairFacts(
        pairs=number_of_pairs,
        scores={int(key): number for key, number in sorted(found["score"])},
        lengths={int(key): number for key, number in sorted(found["length"])},
        sources=dict(sorted(found["source"], key=lambda each: (-each[1], each[0]))),
        hosts=tuple(each for rank, each in enumerate(by_size) if rank < _HOSTS or each[0] in counted_hosts),
        all_hosts=sum(number for _, number in found["hosts"]),
        licenses=_by_code(found["license"], number_of_pairs),
    )
    return facts, first_by_hash([json.loads(row) for row, _ in found["sample"]], SAMPLE)


def _by_code(urls: list[tuple[str, int]], pairs: int) -> dict[str, int]:
    """Adds up the numbers of pairs by licence, whose URLs have versions and countries."""
    codes: Counter[str] = Counter()
    for url, number in urls:
        codes[license_code(url)] += number
    codes[""] += pairs - codes.total()
    return dict(sorted(codes.items(), key=lambda each: (-each[1], each[0])))


def first_by_hash(rows: list[Sampled], number: int) -> list[Sampled]:
    """Returns the rows with the smallest hashes, in the order of the hashes."""
    return sorted(rows, key=lambda row: (row["hash"], row["uid"]))[:number]


def _bounded(batches: Iterator[pa.RecordBatch], hosts: list[str]) -> Iterator[pa.RecordBatch]:
    """Yields a task's largest hosts, the requested ones and the number of all hosts, and all other rows unchanged."""
    schema, number = _KEYS, 0
    largest = schema.empty_table()
    for batch in batches:
        table = pa.Table.from_batches([batch]).cast(schema)
        is_host = pc.equal(table.column("kind"), "host")
        asked = pc.and_(is_host, pc.is_in(table.column("key"), value_set=pa.array(hosts, pa.string())))
        yield from table.filter(pc.or_(pc.invert(is_host), asked)).to_batches()
        of_hosts = table.filter(is_host)
        number += of_hosts.num_rows
        others = pa.concat_tables([largest, table.filter(pc.and_(is_host, pc.invert(asked)))])
        largest = others.sort_by([("rows", "descending"), ("key", "ascending")]).slice(0, _HOSTS)
    yield from largest.to_batches()
    yield pa.RecordBatch.from_pydict({"kind": ["hosts"], "key": [""], "rows": [number]}, schema=schema)
