"""How much input a run has read, in words."""

from __future__ import annotations

import pytest

from metaclip_curate.report.input_size import input_size
from metaclip_curate.run.summaries import ExtractSummary


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (0, "2 input files, 1,474 records, 0 bytes"),
        (999, "2 input files, 1,474 records, 999 bytes"),
        (2_966_169, "2 input files, 1,474 records, 2.97 MB"),
        (87 * 10**12, "2 input files, 1,474 records, 87 TB"),
    ],
)
def test_bytes_are_in_decimal_units(read: int, text: str) -> None:
    assert input_size(ExtractSummary(files=2, records=1474, bytes_read=read)) == text


def test_one_file() -> None:
    assert input_size(ExtractSummary(files=1, records=1, bytes_read=5)) == "1 input file, 1 record, 5 bytes"
