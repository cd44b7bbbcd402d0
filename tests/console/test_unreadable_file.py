"""The file's name as Spark 3.5 and 4 write it."""

from __future__ import annotations

import pytest

from metaclip_curate.console.unreadable_file import unreadable_file


@pytest.mark.parametrize(
    ("error", "file"),
    [
        (
            "[FAILED_READ_FILE.NO_HINT] Encountered error while reading file file:///d/a.parquet. SQLSTATE",
            "/d/a.parquet",
        ),
        ("Encountered error while reading file file:///d/my%20run/a.parquet. Details:\nx", "/d/my run/a.parquet"),
        ("while reading file s3a://bucket/run/a.parquet.", "s3a://bucket/run/a.parquet"),
        ("java.lang.RuntimeException: file:/d/a.parquet is not a Parquet file. Expected magic number", "/d/a.parquet"),
        ("java.lang.OutOfMemoryError", ""),
    ],
)
def test_the_file_that_spark_names(error: str, file: str) -> None:
    assert unreadable_file(error) == file
