"""Distributions over a table of pairs, and a sample of it, in one pass."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate.report.facts import PairFacts
from metaclip_curate.screens.license import license_code
from metaclip_curate.stages.report.sampling import (
    SAMPLE,
    SAMPLED_FROM,
    Sampled,
    first_by_hash,
    hosts,
    sampled_rows,
    sampling_cut,
    sampling_hashes,
)
from metaclip_curate.stages.shared.passes import Batches, Pass, Passes, Summing, Table

_HOSTS = 20
_SCORE_BINS = 20
_KINDS = ("score", "length", "source", "host", "license", "sample")
_KEYS = pa.schema([pa.field("kind", pa.string()), pa.field("key", pa.string()), pa.field("rows", pa.int64())])


def pair_facts(
    passes: Passes, table: Table, rows: int, requested: Collection[str] = ()
) -> tuple[PairFacts, list[Sampled]]:
    """Computes distributions over pairs, and samples them.

    Of the hosts, which are many, only the largest are returned by those who add up.

    Args:
        passes: Makes the pass.
        table: A table with the columns of `schemas.DISTINCT`; further columns are ignored.
        rows: Approximate number of rows.
        requested: Hosts that are counted even if they are small.

    Returns:
        The distributions, and a sample with the columns of `sampling.SAMPLED`.
    """
    cut = sampling_cut(SAMPLE, rows)
    asked = sorted(requested)
    columns = (*SAMPLED_FROM, "text_source", "license")
    sums = passes.add_up(
        [Pass(table, columns, _distributions(table[1], cut), _KEYS)],
        Summing(("kind", "key"), ("rows",), _KEYS, lambda batches: _bounded(batches, asked)),
    )
    found: dict[str, list[tuple[str, int]]] = {kind: [] for kind in (*_KINDS, "hosts")}
    for kind, key, number in zip(*(column.to_pylist() for column in sums.columns), strict=True):
        found[kind].append((key, number))
    by_size = sorted(found["host"], key=lambda each: (-each[1], each[0]))
    number_of_pairs = sum(number for _, number in found["score"])
    facts = PairFacts(
        pairs=number_of_pairs,
        scores=_by_number(found["score"]),
        lengths=_by_number(found["length"]),
        sources=dict(sorted(found["source"], key=lambda each: (-each[1], each[0]))),
        hosts=tuple(each for rank, each in enumerate(by_size) if rank < _HOSTS or each[0] in asked),
        all_hosts=sum(number for _, number in found["hosts"]),
        licenses=_by_code(found["license"], number_of_pairs),
    )
    return facts, first_by_hash([json.loads(row) for row, _ in found["sample"]], SAMPLE)


def _distributions(table: str, cut: int) -> Callable[[Batches], Batches]:
    """Returns a function from rows to numbers of rows by kind and key, and sampled rows as JSON."""

    def run(batches: Batches) -> Batches:
        for batch in batches:
            score = np.floor(batch.column("lang_score").to_numpy(zero_copy_only=False).astype(np.float64) * _SCORE_BINS)
            length = pc.utf8_length(batch.column("text")).to_numpy(zero_copy_only=False)
            license_url = batch.column("license")
            counted = {
                "score": pa.array(np.minimum(score, _SCORE_BINS - 1).astype(np.int64)).cast(pa.string()),
                # The exponent of a double is the number of binary digits.
                "length": pa.array(np.maximum(np.frexp(length)[1] - 1, 0)).cast(pa.string()),
                "source": batch.column("text_source"),
                "host": hosts(batch.column("url")),
                "license": license_url.filter(pc.not_equal(license_url, "")),
            }
            hashes = sampling_hashes(batch.column("uid"), table)
            chosen = hashes <= cut
            sample = sampled_rows(batch.filter(pa.array(chosen)), hashes[chosen]).to_pylist()
            counted["sample"] = pa.array([json.dumps(row) for row in sample], pa.string())
            for kind, keys in counted.items():
                numbers = pc.value_counts(keys)
                columns = [pa.repeat(pa.scalar(kind), len(numbers)), numbers.field("values"), numbers.field("counts")]
                yield pa.RecordBatch.from_arrays(columns, schema=_KEYS)

    return run


def _by_number(found: list[tuple[str, int]]) -> dict[int, int]:
    return dict(sorted((int(key), number) for key, number in found))


def _by_code(urls: list[tuple[str, int]], pairs: int) -> dict[str, int]:
    """Adds up the numbers of pairs by licence, whose URLs have versions and countries."""
    codes: Counter[str] = Counter()
    for url, number in urls:
        codes[license_code(url)] += number
    codes[""] += pairs - codes.total()
    return dict(sorted(codes.items(), key=lambda each: (-each[1], each[0])))


def _bounded(batches: Iterator[pa.RecordBatch], requested: list[str]) -> Iterator[pa.RecordBatch]:
    """Yields the largest hosts, the requested ones and the number of all hosts, and all other rows unchanged."""
    schema, number = _KEYS, 0
    largest = schema.empty_table()
    for batch in batches:
        table = pa.Table.from_batches([batch]).cast(schema)
        is_host = pc.equal(table.column("kind"), "host")
        asked = pc.and_(is_host, pc.is_in(table.column("key"), value_set=pa.array(requested, pa.string())))
        yield from table.filter(pc.or_(pc.invert(is_host), asked)).to_batches()
        of_hosts = table.filter(is_host)
        number += of_hosts.num_rows
        others = pa.concat_tables([largest, table.filter(pc.and_(is_host, pc.invert(asked)))])
        largest = others.sort_by([("rows", "descending"), ("key", "ascending")]).slice(0, _HOSTS)
    yield from largest.to_batches()
    yield pa.RecordBatch.from_pydict({"kind": ["hosts"], "key": [""], "rows": [number]}, schema=schema)
