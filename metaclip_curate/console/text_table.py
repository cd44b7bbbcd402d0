"""Tables of text, and the numbers in them."""

from __future__ import annotations

from collections.abc import Sequence

from metaclip_curate.console.terminal import shown, width

LINE_WIDTH = 80  # of sentences, in columns


def number(value: float) -> str:
    """Returns a number with commas; of a float, with one decimal."""
    return f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"


def share(part: float, whole: float) -> str:
    """Returns a share in percent, with more digits if it is small; empty if the whole is 0."""
    if not whole:
        return ""
    value = part / whole
    if value >= 0.001 or not value:
        return f"{value:.1%}"
    return f"{value:.3%}" if value >= 0.00001 else "< 0.001%"


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]], alignment: str) -> str:
    """Lays out a table whose columns align in terminals, in whatever script its cells are.

    Args:
        header: Names of the columns.
        rows: Rows of as many cells, of any text.
        alignment: "<" or ">" for each column.

    Returns:
        The table's lines, without a line break at the end.
    """
    rows = [[shown(cell) for cell in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(header, *rows, strict=True)]
    lines = [header, ["-" * columns for columns in widths], *rows]
    return "\n".join("  ".join(map(_aligned, line, alignment, widths)).rstrip() for line in lines)


def _aligned(cell: str, side: str, columns: int) -> str:
    padding = " " * (columns - width(cell))
    return cell + padding if side == "<" else padding + cell
