"""Rows of a pool as its file has them, and the strings in their columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate.extract.links import clean_texts
from metaclip_curate.extract.pools.columns import ColumnError, Columns

# Rows that are processed together, and the bytes at which fewer are taken.
BATCH_ROWS, BATCH_BYTES = 1 << 14, 1 << 25


class RawRows(NamedTuple):
    """Rows of a pool.

    Attributes:
        rows: The columns that `columns` names, as the file has them.
        columns: What the columns hold.
        first: Number of the first row in its file.
    """

    rows: pa.RecordBatch
    columns: Columns
    first: int


def numbered_rows(batches: Iterable[pa.RecordBatch], columns: Columns) -> Iterator[RawRows]:
    """Yields the rows of a file, of which each batch begins where the last one ended.

    Args:
        batches: The columns that `columns` names, in the order of the file.
        columns: What the columns hold.
    """
    first = 0
    for rows in batches:
        yield RawRows(rows, columns, first)
        first += rows.num_rows


def without_views(rows: pa.RecordBatch) -> pa.RecordBatch:
    """Returns rows without views of strings, from which Arrow can't take rows."""
    for number, field in enumerate(rows.schema):
        kind = _without_views(field.type)
        if kind != field.type:
            rows = rows.set_column(number, field.with_type(kind), rows.column(number).cast(kind))
    return rows


def _without_views(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(_without_views(kind.value_type)) if "_view" in str(kind) else kind
    return _VIEWS.get(kind, kind)


_VIEWS = {pa.string_view(): pa.large_string(), pa.binary_view(): pa.large_binary()}


class Texts(NamedTuple):
    """The texts in a column.

    Attributes:
        values: m strings.
        rows: Index of each one's row, ascending.
    """

    values: pa.StringArray
    rows: npt.NDArray[np.int64]


def as_strings(column: pa.Array, name: str) -> pa.StringArray:
    """Returns a column of strings, in valid UTF-8.

    Args:
        column: Column of strings, of bytes, or of nulls only.
        name: Name of the column, for the message.

    Raises:
        ColumnError: The column has another type.
    """
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_null(column.type):
        return pa.nulls(len(column), pa.string())
    if column.type not in _TEXT_TYPES:
        raise ColumnError(f"its column {name} has the type {column.type}, and strings are needed: name another column")
    if column.type == pa.string():
        try:
            column.validate(full=True)
        except pa.ArrowInvalid:
            pass
        else:
            return column
    octets = column.cast(pa.large_binary())
    try:
        return octets.cast(pa.string())
    except pa.ArrowInvalid:
        values = [None if each is None else each.decode("utf-8", "replace") for each in octets.to_pylist()]
        return pa.array(values, pa.string())


_TEXT_TYPES = frozenset(
    {pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary_view()}
)


def as_texts(column: pa.Array, name: str) -> Texts:
    """Returns the texts of a column, whose rows may be lists of texts.

    Raises:
        ColumnError: The column has neither strings nor lists of strings.
    """
    kind = column.type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
        return Texts(as_strings(column, name), np.arange(len(column)))
    rows = pc.list_parent_indices(column).to_numpy(zero_copy_only=False).astype(np.int64)
    return Texts(as_strings(pc.list_flatten(column), name), rows)


def as_ids(column: pa.Array) -> pa.StringArray:
    """Returns a pool's own ids as strings; nulls become empty.

    Raises:
        ColumnError: The column has neither strings nor whole numbers.
    """
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_floating(column.type):
        column = _whole_numbers(column)
    if pa.types.is_integer(column.type) or pa.types.is_decimal(column.type):
        return column.cast(pa.string()).fill_null("")
    return clean_texts(as_strings(column, "of ids"))


# From here on, floating-point numbers don't have all whole numbers.
_EXACT = 2.0**53


def _whole_numbers(column: pa.Array) -> pa.Array:
    """Returns the integers of a column of floating-point numbers, which pandas makes of integers with a missing one."""
    values = column.cast(pa.float64())
    values = pc.if_else(pc.is_nan(values), None, values)
    try:
        whole = values.cast(pa.int64())
    except pa.ArrowInvalid:
        whole = None
    if whole is None or not pc.all(pc.less(pc.abs(values), _EXACT), min_count=0).as_py():
        raise ColumnError(
            f"its column of ids has the type {column.type}, and numbers that aren't whole or have too many digits: "
            "write it as a column of strings"
        )
    return whole


def kept_column(column: pa.Array, field: pa.Field, name: str) -> pa.Array:
    """Returns a kept column with the type that it has in the tables, and strings in valid UTF-8.

    Args:
        column: Column of the file.
        field: Column of the tables.
        name: Name of the column in the file.

    Raises:
        ColumnError: It has a type that can't be widened to that of the tables.
    """
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if column.type != field.type and not _widens(column.type, field.type):
        raise ColumnError(
            f"its column {name} has the type {column.type}, and the first file that has the column {field.type}: write "
            "it with that type, or don't keep the column"
        )
    try:
        kept = column.cast(field.type)
        kept.validate(full=True)
    except pa.ArrowInvalid:
        return pa.array(_decoded(column.cast(_of_bytes(field.type)).to_pylist()), field.type)
    return kept


def _of_bytes(kind: pa.DataType) -> pa.DataType:
    return pa.list_(_of_bytes(kind.value_type)) if pa.types.is_list(kind) else pa.large_binary()


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return list(map(_decoded, value))
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _widens(kind: pa.DataType, wider: pa.DataType) -> bool:
    if pa.types.is_null(kind):
        return True
    if kind in _TEXT_TYPES and wider == pa.string():
        return True
    if pa.types.is_list(wider) and hasattr(kind, "value_type"):
        return bool(kind.value_type == wider.value_type) or _widens(kind.value_type, wider.value_type)
    if pa.types.is_integer(kind):
        both = pa.types.is_integer(wider) and (kind.bit_width < wider.bit_width or kind == wider)
        return bool(both or (wider == pa.float64() and kind.bit_width <= 32))
    return bool(pa.types.is_floating(kind) and pa.types.is_floating(wider) and kind.bit_width <= wider.bit_width)


def rows_of_values(
    values: Mapping[str, Sequence[Any]], columns: Columns, kept: Mapping[str, pa.DataType]
) -> pa.RecordBatch:
    """Returns rows of decoded JSON as Arrow columns.

    Args:
        values: Values of each column that `columns` names.
        columns: What the columns hold.
        kept: Types of the kept columns by their names in the file; values of other types than it are nulls there.

    Raises:
        ColumnError: A kept column has a value of another type.
    """
    arrays = []
    for name in columns.read:
        if name in columns.texts:
            arrays.append(_texts_array(values[name]))
        elif name in kept and name not in (columns.url, columns.id):
            arrays.append(_kept_array(values[name], kept[name], name))
        else:
            arrays.append(pa.array([_as_string(value) for value in values[name]], pa.string()))
    return pa.RecordBatch.from_arrays(arrays, names=columns.read)


def _as_string(value: Any) -> str | None:
    """Returns a string, or a number that stands for an id; anything else is missing."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return str(int(value))  # pandas writes 3 as 3.0 if another id is missing
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _texts_array(values: Sequence[Any]) -> pa.Array:
    if not any(isinstance(value, list) for value in values):
        return pa.array([value if isinstance(value, str) else None for value in values], pa.string())
    lists = [value if isinstance(value, list) else [value] for value in values]
    texts = [[text for text in each if isinstance(text, str)] for each in lists]
    return pa.array(texts, pa.list_(pa.string()))


def _kept_array(values: Sequence[Any], kind: pa.DataType, name: str) -> pa.Array:
    try:
        _require_unchanged(values, kind)
        return pa.array(values, kind)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise ColumnError(
            f"its column {name} has a value that isn't of the type {kind}, which the first file that has the column "
            f"has ({error}): write it with that type, or don't keep the column"
        ) from error


def _require_unchanged(values: Sequence[Any], kind: pa.DataType) -> None:
    """Refuses numbers that Arrow would cut off at the decimal point, and truth values that it would make numbers."""
    while pa.types.is_list(kind):
        values = [each for value in values if isinstance(value, list) for each in value]
        kind = kind.value_type
    if pa.types.is_integer(kind):
        cut = next((value for value in values if isinstance(value, float) and not value.is_integer()), None)
        if cut is not None:
            raise ValueError(f"{cut} isn't a whole number")
    elif pa.types.is_floating(kind) and any(isinstance(value, bool) for value in values):
        raise TypeError("true or false isn't a number")
