"""Rows of CSV and TSV files (RFC 4180), whose first line names the columns.

Real files have quotes that nothing closes, and rows with too many or too few fields. A reader that follows the
quotes loses everything up to the next quote, or the file. Here such a row costs itself: a quoted field may go on in the
next lines, but only if the row is whole and has the right number of fields in the end.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa

from metaclip_curate.extract.input_stats import InputStats
from metaclip_curate.extract.pools.columns import ColumnError, Columns
from metaclip_curate.extract.pools.json_lines import Types
from metaclip_curate.extract.pools.lines import read_lines
from metaclip_curate.extract.pools.raw_rows import BATCH_BYTES, BATCH_ROWS, RawRows, numbered_rows
from metaclip_curate.extract.stored_bytes import Readable

_LINES_AT_ONCE = 512
# Lines and characters of a row.
_MOST_LINES, _MOST_CHARACTERS = 100, 1 << 20


def read_csv(
    stream: Readable,
    delimiter: str,
    find: Callable[[Sequence[str]], Columns],
    types: Types,
    stats: InputStats,
    most_bytes: int,
) -> Iterator[RawRows]:
    """Reads rows. Those that aren't well-formed are counted and left out.

    Args:
        stream: The file's bytes as stored.
        delimiter: Character between fields. Of tabs, a field may have quotes that mean nothing.
        find: Finds the columns among the names in the first line.
        types: Types of the kept columns by their names in the file.
        stats: Rows and damage are recorded here.
        most_bytes: Largest number of bytes of a line.

    Raises:
        InputError: The stream raised it.
        ColumnError: A column is missing, or a value of a kept one can't be converted.
        NotTextError: The text is in UTF-16.
    """
    rows = _Rows(_Lines(read_lines(stream, stats, most_bytes)), delimiter, stats)
    header = rows.header()
    if header is None:
        return
    columns = find(header)
    positions = [header.index(name) for name in columns.read]

    def batch_of(held: list[list[str]]) -> pa.RecordBatch:
        fields = [[row[position] for row in held] for position in positions]
        arrays = [_column(values, name, types.get(name)) for name, values in zip(columns.read, fields, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, names=columns.read)

    yield from numbered_rows(map(batch_of, iter(rows.take, [])), columns)


def _column(values: list[str], name: str, kind: pa.DataType | None) -> pa.Array:
    strings = pa.array(values, pa.string())
    if kind is None or kind == pa.string():
        return strings
    # An empty field has no value.
    given = pa.array([value if value else None for value in values], pa.string())
    try:
        return given.cast(kind)
    except (pa.ArrowException, NotImplementedError) as error:
        raise ColumnError(
            f"its column {name} has a value that isn't of the type {kind}, which the first file that has the column "
            f"has ({error}): correct it, or don't keep the column"
        ) from error


def csv_objects(
    stream: Readable, delimiter: str, stats: InputStats, most_bytes: int
) -> Iterator[tuple[dict[str, str], int]]:
    """Yields each row as a map from the names of the columns, and its number of characters."""
    rows = _Rows(_Lines(read_lines(stream, stats, most_bytes)), delimiter, stats)
    header = rows.header()
    while header is not None and (held := rows.take()):
        yield from ((dict(zip(header, row, strict=True)), sum(map(len, row))) for row in held)


class _Lines:
    """Lines as text, some of which can be put back."""

    def __init__(self, pieces: Iterator[list[bytes]]) -> None:
        self._pieces = pieces
        self._ahead: deque[str] = deque()

    def next(self) -> str | None:
        """Returns the next line; None at the end."""
        while not self._ahead:
            lines = next(self._pieces, None)
            if lines is None:
                return None
            self._ahead.extend(b"\n".join(lines).decode("utf-8", "replace").split("\n"))
        return self._ahead.popleft()

    @property
    def ahead(self) -> int:
        """Number of lines that are decoded and not taken."""
        return len(self._ahead)

    def some(self, most: int) -> list[str]:
        """Returns up to so many lines, none only at the end."""
        line = self.next()
        if line is None:
            return []
        return [line, *(self._ahead.popleft() for _ in range(min(most - 1, len(self._ahead))))]

    def put_back(self, lines: Sequence[str]) -> None:
        """Makes lines the next ones."""
        self._ahead.extendleft(reversed(lines))


class _Rows:
    def __init__(self, lines: _Lines, delimiter: str, stats: InputStats) -> None:
        self._lines = lines
        self._delimiter = delimiter
        self._stats = stats
        self._width = 0

    def header(self) -> list[str] | None:
        """Returns the fields of the first line; None if the file is empty."""
        line = self._lines.next()
        if line is None:
            return None
        names = self._parsed(line) or line.rstrip("\r").split(self._delimiter)
        self._width = len(names)
        return [name.strip() for name in names]

    def take(self) -> list[list[str]]:
        """Returns the next rows, none only at the end."""
        held: list[list[str]] = []
        size = 0
        while len(held) < BATCH_ROWS and size < BATCH_BYTES:
            lines = self._lines.some(_LINES_AT_ONCE)
            if not lines:
                break
            size += sum(map(len, lines))
            held += self._well_formed(lines) or self._one_by_one(lines)
        return held

    def _well_formed(self, lines: list[str]) -> list[list[str]] | None:
        """Returns the rows of lines at once; None if a line isn't a row."""
        try:
            rows = list(csv.reader(lines, delimiter=self._delimiter, strict=True))
        except csv.Error:
            return None
        # A row of several lines may be two rows with a quote too much each.
        if len(rows) != len(lines) or any(len(row) != self._width for row in rows):
            return None
        self._stats.records += len(rows)
        return rows

    def _one_by_one(self, lines: list[str]) -> list[list[str]]:
        self._lines.put_back(lines)
        held = []
        rest = self._lines.ahead - len(lines)
        while self._lines.ahead > rest:
            line = self._lines.next()
            if line is None:
                break
            if line in ("", "\r"):
                continue
            self._stats.records += 1
            row = line.rstrip("\r").split(self._delimiter) if '"' not in line else self._quoted(line)
            if row is not None and len(row) == self._width:
                held.append(row)
            else:
                self._stats.records_skipped += 1
                self._stats.mark_damaged(
                    f"a row hasn't {self._width} fields, or has a quote that nothing closes: {line[:60]!r}"
                )
        return held

    def _quoted(self, line: str) -> list[str] | None:
        """Returns the row that begins with a line in which there are quotes; None if that isn't one."""
        row = self._parsed(line)
        if row is not None:
            return row
        joined = line
        following: list[str] = []
        while len(following) < _MOST_LINES and len(joined) < _MOST_CHARACTERS:
            another = self._lines.next()
            if another is None:
                break
            following.append(another)
            joined = f"{joined}\n{another}"
            # Within a row, quotes come in pairs.
            if '"' in another and joined.count('"') % 2 == 0:
                row = self._parsed(joined)
                if row is not None and len(row) == self._width:
                    return row
        self._lines.put_back(following)
        return line.rstrip("\r").split(self._delimiter) if self._delimiter == "\t" else None

    def _parsed(self, text: str) -> list[str] | None:
        """Returns the fields of a row; None if a quote isn't closed, or closed before the end of its field."""
        try:
            rows = list(csv.reader([f"{text}\n"], delimiter=self._delimiter, strict=True))
        except csv.Error:
            return None
        return rows[0] if len(rows) == 1 else None
