"""The rows of pairs that stay: read from their files, labelled with their language, packed, unpacked and sorted.

Between two tasks the rows travel as packed record batches, each with the rows of one task that go to one other task.
Ids travel as bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from metaclip_curate.extract.hex_strings import from_hex, to_hex
from metaclip_curate.extract.pair_columns import IMAGE_ID_BYTES, UID_BYTES
from metaclip_curate.language import LabelRule, LanguageIdentifier
from metaclip_curate.schemas import DISTINCT, PAIRS, Kept, with_kept

# Columns with few different values, or whose values repeat in neighbouring rows.
REPEATING = ("text_source", "page_lang", "license", "crawl", "source_file")
READ_AS_DICTIONARY = (*REPEATING, "page_url")
_IDS = {"uid": UID_BYTES, "image_id": IMAGE_ID_BYTES}
PACKED = pa.schema(
    [pa.field(field.name, pa.binary(_IDS[field.name])) if field.name in _IDS else field for field in DISTINCT]
)
# A smaller batch isn't compressed here, since Spark compresses many of them together better.
_COMPRESSED_ROWS = 1000
_BARE, _COMPRESSED = b"\0", b"\1"  # at the end of a packed batch, where they don't shift its buffers
_UNPACKED_ROWS = 1 << 15
# Rows in a row group of `distinct`, all of one label.
GROUP_ROWS = 1 << 17


def chosen_rows(file: pq.ParquetFile, rows: npt.NDArray[np.int64], kept: Kept = ()) -> pa.Table:
    """Reads rows of a file of `pairs`. Row groups without any aren't read.

    Args:
        file: The file, opened with READ_AS_DICTIONARY.
        rows: Numbers of the rows, ascending.
        kept: The kept columns of a pool.
    """
    columns = with_kept(PAIRS, kept).names
    pieces = []
    first = 0
    for number in range(file.num_row_groups):
        size = file.metadata.row_group(number).num_rows
        start, end = np.searchsorted(rows, [first, first + size])
        if end > start:
            group = file.read_row_group(number, columns=columns)
            pieces.append(group if end - start == size else group.take(pa.array(rows[start:end] - first)))
        first += size
    return pa.concat_tables(pieces)


def labelled(pairs: pa.Table, identifier: LanguageIdentifier, kept: Kept = ()) -> pa.Table:
    """Adds the language of each text. Equal texts are identified once.

    Args:
        pairs: Rows of `schemas.PAIRS`, in which columns may be dictionaries.
        identifier: Identifies the languages.
        kept: The kept columns of a pool.

    Returns:
        Rows of `PACKED` with the kept columns.
    """
    labels, scores = identifier.identify(pairs.column("text"))
    schema = with_kept(PACKED, kept)
    columns = [_packed(pairs.column(field.name), field) for field in schema if field.name in pairs.column_names]
    return pa.Table.from_arrays([*columns, labels, scores], schema=schema)


def _packed(column: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray | pa.Array:
    if field.name not in _IDS:
        return column.cast(field.type) if column.type != field.type else column
    size = _IDS[field.name]
    chunks = [
        pa.FixedSizeBinaryArray.from_buffers(field.type, len(chunk), [None, pa.py_buffer(from_hex(chunk, size))])
        for chunk in column.chunks
    ]
    return pa.chunked_array(chunks, field.type)


def labels_of(rows: pa.Table | pa.RecordBatch, rule: LabelRule) -> pa.Array:
    """Returns the label that each pair counts as.

    Args:
        rows: Rows with the columns lang, lang_score and page_lang.
        rule: Which label counts.
    """
    lang, score, page_lang = (rows.column(name) for name in ("lang", "lang_score", "page_lang"))
    if pa.types.is_dictionary(page_lang.type):
        page_lang = page_lang.cast(pa.string())
    labels = rule.labels(lang, score, page_lang)
    return labels.combine_chunks() if isinstance(labels, pa.ChunkedArray) else labels


def uid_halves(rows: pa.Table) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """Returns both halves of the uids of rows of PACKED."""
    uids = rows.column("uid").combine_chunks()
    data = np.frombuffer(uids.buffers()[1], np.uint8)[uids.offset * UID_BYTES : (uids.offset + len(uids)) * UID_BYTES]
    halves = data.view(">u8").astype("<u8").reshape(-1, 2)
    return np.ascontiguousarray(halves[:, 0]), np.ascontiguousarray(halves[:, 1])


def coded(labels: pa.Array) -> tuple[list[str], npt.NDArray[np.int64]]:
    """Returns the different labels, sorted, and the index of each pair's label among them."""
    encoded = labels.dictionary_encode()
    names = encoded.dictionary.to_pylist()
    by_name = sorted(range(len(names)), key=names.__getitem__)
    places = np.empty(len(names), np.int64)
    places[by_name] = np.arange(len(names))
    return [names[index] for index in by_name], places[encoded.indices.to_numpy()]


def pack(rows: pa.RecordBatch) -> bytes:
    """Returns rows of PACKED as bytes."""
    if rows.num_rows < _COMPRESSED_ROWS:
        # Without the schema, which would be repeated in each of very many small batches.
        return bytes(rows.serialize().to_pybytes()) + _BARE
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_batch(rows)
    return bytes(sink.getvalue().to_pybytes()) + _COMPRESSED


def unpack(packed: Iterable[pa.Buffer], kept: Kept = ()) -> Iterator[pa.Table]:
    """Reads what `pack` returned, with repeating columns as dictionaries to save memory.

    Args:
        packed: Any number of packed batches.
        kept: The kept columns of a pool.

    Yields:
        Tables of some tens of thousands of rows.
    """
    schema = with_kept(PACKED, kept)
    held: list[pa.RecordBatch] = []
    rows = 0
    for data in packed:
        held += _batches(data, schema)
        rows += held[-1].num_rows
        if rows >= _UNPACKED_ROWS:
            yield _with_dictionaries(held, schema)
            held, rows = [], 0
    if held:
        yield _with_dictionaries(held, schema)


def _batches(data: pa.Buffer, schema: pa.Schema) -> list[pa.RecordBatch]:
    size = data.size - 1
    if data.slice(size).to_pybytes() == _BARE:
        return [pa.ipc.read_record_batch(data.slice(0, size), schema)]
    with pa.ipc.open_stream(data.slice(0, size)) as stream:
        return list(stream)


def _with_dictionaries(batches: Sequence[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    table = pa.Table.from_batches(batches, schema)
    for name in REPEATING:
        index = table.schema.get_field_index(name)
        table = table.set_column(index, name, table.column(index).dictionary_encode())
    return table


def in_file_order(pieces: Sequence[pa.Table], rule: LabelRule, kept: Kept = ()) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Sorts the rows of a file of `distinct` by label and uid.

    Args:
        pieces: Rows from `unpack`.
        rule: Which label counts.
        kept: The kept columns of a pool.

    Yields:
        A label, and up to GROUP_ROWS rows of `schemas.DISTINCT` with the kept columns that have it.
    """
    schema = with_kept(DISTINCT, kept)
    rows = pa.concat_tables(pieces).unify_dictionaries().combine_chunks()
    names, codes = coded(labels_of(rows, rule))
    high, low = uid_halves(rows)
    order = np.lexsort((low, high, codes))
    ends = np.cumsum(np.bincount(codes, minlength=len(names))).tolist()
    start = 0
    for name, end in zip(names, ends, strict=True):
        for first in range(start, end, GROUP_ROWS):
            some = rows.take(pa.array(order[first : min(end, first + GROUP_ROWS)]))
            yield name, _unpacked(some, schema)
        start = end


def _unpacked(rows: pa.Table, schema: pa.Schema) -> pa.RecordBatch:
    columns = []
    for field in schema:
        column = rows.column(field.name).combine_chunks()
        if field.name in _IDS:
            size = _IDS[field.name]
            data = np.frombuffer(column.buffers()[1], np.uint8)
            column = to_hex(data[column.offset * size : (column.offset + len(column)) * size].reshape(-1, size))
        columns.append(column.cast(field.type))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def count_labels(labels: pa.Array) -> dict[str, int]:
    """Counts the pairs of each label."""
    return {each["values"]: each["counts"] for each in pc.value_counts(labels).to_pylist()}
