"""Tables of text for people."""

from __future__ import annotations

from collections.abc import Sequence

from metaclip_curate.console.terminal import shown


def number(value: float) -> str:
    """A number with commas; one decimal where it needn't be whole."""
    return f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"


def share(part: float, whole: float) -> str:
    """A share in percent; empty where there is no whole."""
    return f"{part / whole:.1%}" if whole else ""


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]], alignment: str) -> str:
    """Lays out a table.

    Args:
        header: Names of the columns.
        rows: As many cells each, of any text.
        alignment: "<" or ">" for each column.

    Returns:
        Its lines, without a line break at the end.
    """
    rows = [[shown(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [header, ["-" * width for width in widths], *rows]
    return "\n".join(
        "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(line, alignment, widths, strict=True)).rstrip()
        for line in lines
    )
