"""How much input a run has read, in words."""

from __future__ import annotations

from metaclip_curate.console.wording import counted
from metaclip_curate.run.summaries import ExtractSummary


def input_size(inputs: ExtractSummary) -> str:
    """Returns numbers of files, records and bytes, in decimal units: `2 input files, 1,474 records, 2.97 MB`."""
    size, unit = float(inputs.bytes_read), "bytes"
    for larger in ("kB", "MB", "GB", "TB", "PB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    amount = f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.3g} {unit}"
    return f"{counted(inputs.files, 'input file')}, {counted(inputs.records, 'record')}, {amount}"
