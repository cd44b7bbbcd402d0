"""Rows of a pool to rows of pairs, by the rules for texts, URLs and ids that crawl files have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple
from urllib.parse import quote

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate.extract.input_stats import InputStats
from metaclip_curate.extract.links import clean_texts
from metaclip_curate.extract.page_facts import page_language
from metaclip_curate.extract.pair_columns import image_id_column, new_uids, pair_uids, uid_column
from metaclip_curate.extract.pools.columns import ColumnError, Columns
from metaclip_curate.extract.pools.raw_rows import (
    RawRows,
    Texts,
    as_ids,
    as_strings,
    as_texts,
    kept_column,
    without_views,
)
from metaclip_curate.extract.urls import resolve_absolute
from metaclip_curate.schemas import PAIRS, Kept, with_kept

REMEMBERED_PAIRS = 500_000
SUCCESS = "success"  # img2dataset's status of a row that has an image


@dataclass(frozen=True)
class PoolFile:
    """What the rows of a file have in common.

    Attributes:
        source_file: Name of the file.
        urn: Beginning of the URLs of pairs without one; empty if these are dropped.
        path: Path of the file below the folder that the command names, for these URLs.
        ids_are_unique: Whether a pair without a URL is named by its id, and not by its file.
        kept: The kept columns.
    """

    source_file: str
    urn: str = ""
    path: str = ""
    ids_are_unique: bool = False
    kept: Kept = ()


class PoolPairs:
    """Turns the rows of one file, or of some row groups of it, into pairs.

    Args:
        file: What the rows have in common.
        stats: Rows, dropped rows, texts and pairs are counted here.
        remembered: Number of pairs among which only the first of equal ones is yielded; None for all, 0 for none. Then
            the uids are forgotten, since they take 100 bytes of memory each.
    """

    def __init__(self, file: PoolFile, stats: InputStats, remembered: int | None = REMEMBERED_PAIRS) -> None:
        self._file = file
        self._remembered = remembered
        self._stats = stats
        self._seen: set[bytes] = set()
        self._schema = with_kept(PAIRS, file.kept)

    def batches(self, raw: Iterator[RawRows]) -> Iterator[pa.RecordBatch]:
        """Yields batches of `schemas.PAIRS` with the kept columns.

        Raises:
            ColumnError: A column has a type that can't be used.
        """
        for rows in raw:
            before = replace(self._stats)
            try:
                batch = self._pairs(_successful(rows._replace(rows=without_views(rows.rows)), self._stats))
            except ColumnError:
                # None of these rows is used, so they aren't counted as links.
                vars(self._stats).update(vars(before))
                raise
            if batch.num_rows:
                yield batch

    def _pairs(self, raw: RawRows) -> pa.RecordBatch:
        rows, columns, stats = raw.rows, raw.columns, self._stats
        stats.image_links += rows.num_rows
        texts, sources = _texts(rows, columns)
        with_text = np.zeros(rows.num_rows, dtype=bool)
        with_text[texts.rows] = True
        stats.dropped_no_text += int(rows.num_rows - with_text.sum())
        urls, usable = self._urls(raw, with_text)
        if not usable.all():
            kept = usable[texts.rows]
            sources = sources[kept]
            texts = Texts(texts.values.filter(pa.array(kept)), texts.rows[kept])
        stats.texts += len(texts.rows)
        return self._new_rows(raw, urls, texts, sources)

    def _new_rows(
        self, raw: RawRows, urls: pa.StringArray, texts: Texts, sources: npt.NDArray[np.int8]
    ) -> pa.RecordBatch:
        whole = len(texts.rows) == raw.rows.num_rows and bool((np.diff(texts.rows) == 1).all())
        of_texts = urls if whole else urls.take(pa.array(texts.rows))
        uids = pair_uids(of_texts, texts.values)
        fresh = np.array(self._are_new(uids), dtype=bool)
        rows = texts.rows
        values = texts.values
        if not fresh.all():
            mask = pa.array(fresh)
            of_texts, values, rows, sources = of_texts.filter(mask), values.filter(mask), rows[fresh], sources[fresh]
            uids = [uid for uid, new in zip(uids, fresh.tolist(), strict=True) if new]
        self._stats.pairs += len(uids)
        self._stats.duplicate_texts = self._stats.texts - self._stats.pairs
        names = pa.array(list(raw.columns.texts), pa.string())
        source = names.take(pa.array(sources)) if len(names) else pa.array([], pa.string())
        known = [uid_column(uids), image_id_column(of_texts), of_texts, values, source]
        chosen = raw.rows if whole and fresh.all() else raw.rows.take(pa.array(rows))
        return pa.RecordBatch.from_arrays([*known, *self._other_columns(chosen, raw.columns)], schema=self._schema)

    def _are_new(self, uids: list[bytes]) -> list[bool]:
        if self._remembered == 0:
            return [True] * len(uids)
        if self._remembered is not None and len(self._seen) >= self._remembered:
            self._seen.clear()
        return new_uids(uids, self._seen)

    def _other_columns(self, rows: pa.RecordBatch, columns: Columns) -> Iterator[pa.Array]:
        """Yields the columns from page_url on, in the order of the schema."""
        yield _strings_or_empty(rows, columns.page_url)
        languages = _strings_or_empty(rows, columns.page_lang)
        yield pa.array(list(map(page_language, languages.to_pylist())), pa.string()) if columns.page_lang else languages
        yield _strings_or_empty(rows, columns.license)
        yield as_ids(rows.column(columns.id)) if columns.id else _repeated("", rows.num_rows)
        for field, name in zip(self._file.kept, columns.kept, strict=True):
            yield kept_column(rows.column(name), field, name) if name else pa.nulls(rows.num_rows, field.type)
        yield _repeated("", rows.num_rows)
        yield _repeated(self._file.source_file, rows.num_rows)

    def _urls(self, raw: RawRows, with_text: npt.NDArray[np.bool_]) -> tuple[pa.StringArray, npt.NDArray[np.bool_]]:
        """Returns a URL for each row, and whether the row has one; counts dropped rows that have a text."""
        rows, name = raw.rows, raw.columns.url
        given = as_strings(rows.column(name), name) if name else pa.nulls(rows.num_rows, pa.string())
        given = given.fill_null("") if given.null_count else given
        missing = pc.equal(given, "").to_numpy(zero_copy_only=False)
        resolved, dropped = resolve_absolute(given)
        usable = np.ones(rows.num_rows, dtype=bool)
        if self._file.urn and missing.any():
            named = self._names(raw, np.flatnonzero(missing))
            resolved = pc.replace_with_mask(resolved, pa.array(missing), named)
            dropped = {row: reason for row, reason in dropped.items() if not missing[row]}
        usable[list(dropped)] = False
        for row, reason in dropped.items():
            if with_text[row]:
                self._stats.count_drops(reason, 1)
        return resolved, usable

    def _names(self, raw: RawRows, indices: npt.NDArray[np.int64]) -> pa.StringArray:
        """Returns URLs for rows that have none."""
        some, file = raw.rows.take(pa.array(indices)), self._file
        ids = [""] * len(indices)
        if file.ids_are_unique and raw.columns.id:
            ids = as_ids(some.column(raw.columns.id)).to_pylist()
        key = raw.columns.key
        keys = some.column(key).to_pylist() if key else [f"{raw.first + row}" for row in indices.tolist()]
        path = quote(file.path)
        urls = [
            f"{file.urn}{quote(own, safe='')}" if own else f"{file.urn}{path}#{quote(key)}"
            for own, key in zip(ids, keys, strict=True)
        ]
        return pa.array(urls, pa.string())


class _Column(NamedTuple):
    texts: Texts
    source: int


def _texts(rows: pa.RecordBatch, columns: Columns) -> tuple[Texts, npt.NDArray[np.int8]]:
    """Returns the texts of all text columns that aren't empty, in the order of rows and columns, and their columns."""
    found = []
    for number, name in enumerate(columns.texts):
        texts = as_texts(rows.column(name), name)
        values = clean_texts(texts.values)
        filled = pc.not_equal(values, "")
        if not pc.all(filled, min_count=0).as_py():
            texts = Texts(values.filter(filled), texts.rows[filled.to_numpy(zero_copy_only=False)])
        else:
            texts = Texts(values, texts.rows)
        found.append(_Column(texts, number))
    if len(found) == 1:
        return found[0].texts, np.zeros(len(found[0].texts.rows), np.int8)
    indices = np.concatenate([each.texts.rows for each in found])
    sources = np.concatenate([np.full(len(each.texts.rows), each.source, np.int8) for each in found])
    order = np.argsort(indices, kind="stable")
    values = pa.concat_arrays([each.texts.values for each in found]).take(pa.array(order))
    return Texts(values, indices[order]), sources[order]


def _successful(raw: RawRows, stats: InputStats) -> RawRows:
    """Leaves out rows whose image img2dataset couldn't fetch, and counts them as skipped."""
    if not raw.columns.status:
        return raw
    success = pc.equal(as_strings(raw.rows.column(raw.columns.status), raw.columns.status), SUCCESS).fill_null(False)
    kept = raw.rows.filter(success)
    stats.records_skipped += raw.rows.num_rows - kept.num_rows
    if kept.num_rows == raw.rows.num_rows:
        return raw
    return RawRows(kept, raw.columns, raw.first)


def _strings_or_empty(rows: pa.RecordBatch, name: str) -> pa.StringArray:
    if not name:
        return _repeated("", rows.num_rows)
    return clean_texts(as_strings(rows.column(name), name))


def _repeated(value: str, times: int) -> pa.StringArray:
    return pa.repeat(pa.scalar(value, pa.string()), times)
