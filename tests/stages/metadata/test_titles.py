"""Pageviews of several files in one pass."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING

from metaclip_curate.options.page_views import ViewRule
from metaclip_curate.stages.metadata.titles import build_titles, read_titles
from metaclip_curate.storage import StorageOptions

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

STORAGE = StorageOptions()


def test_files_and_sites_add_up(spark: SparkSession, tmp_path: Path) -> None:
    """Wikipedias of one language stay apart, and an hourly minimum is one of each file."""
    files = {
        "pageviews-20250101-000000.gz": b"en Dog 3 0\nen.m Dog 4 0\nde Hund 1 0\nen Cat\nen Talk:Dog 9 0\nen Cow 2 0\n",
        "pageviews-20250101-010000.gz": b"de.m Hund 2 0\nde Katze 5 0\nfr.d X 1 0\nzh A 3 0\nzh-yue A 1 0\nen Cow 2 0",
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(gzip.compress(data))
    paths, folder = [str(tmp_path / name) for name in files], str(tmp_path / "titles")

    all_stats = build_titles(spark, paths, folder, {"en": ViewRule("desktop", 3)}, STORAGE)
    assert [(stats["lines"], stats["used"], stats["malformed"]) for stats in all_stats] == [(6, 2, 1), (6, 4, 0)]
    assert [stats["path"] for stats in all_stats] == paths
    titles = {}
    for codes in (["en"], ["de"], ["zh", "zh_yue"], ["fr"]):
        rows = read_titles(spark, folder, codes, STORAGE)
        titles[codes[0]] = None if rows is None else sorted(tuple(row) for row in rows.collect())
    assert titles == {
        "en": [("en", "Dog", 3)],
        "de": [("de", "Hund", 3), ("de", "Katze", 5)],
        "zh": [("zh", "A", 3), ("zh_yue", "A", 1)],
        "fr": None,
    }
