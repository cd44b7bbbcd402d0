"""Pageviews of several files in one pass."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING

from metaclip_curate.stages.metadata.titles import build_titles, read_titles
from metaclip_curate.storage import StorageOptions

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

STORAGE = StorageOptions()


def test_files_and_sites_and_editions_add_up(spark: SparkSession, tmp_path: Path) -> None:
    files = {
        "pageviews-20250101-000000.gz": b"en Dog 3 0\nen.m Dog 4 0\nde Hund 1 0\nen Cat\nen Talk:Dog 9 0\n",
        "pageviews-20250101-010000.gz": b"simple Dog 10 0\nde.m Hund 2 0\nde Katze 5 0\nfr.d Chien 1 0\n",
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(gzip.compress(data))
    folder = str(tmp_path / "titles")
    all_stats = build_titles(spark, [str(tmp_path / name) for name in files], folder, STORAGE)
    assert [(stats["lines"], stats["used"], stats["malformed"]) for stats in all_stats] == [(5, 3, 1), (4, 3, 0)]
    assert [stats["path"] for stats in all_stats] == [str(tmp_path / name) for name in files]
    titles = {}
    for language in ("en", "de", "fr"):
        rows = read_titles(spark, folder, language, STORAGE)
        titles[language] = None if rows is None else sorted((row[0], row[1]) for row in rows.collect())
    assert titles == {"en": [("Dog", 17)], "de": [("Hund", 3), ("Katze", 5)], "fr": None}
