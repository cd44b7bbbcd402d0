from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pytest

from metaclip_curate.metadata.building.ngrams import NgramCounts
from metaclip_curate.metadata.wikipedia.articles import PageLimits
from metaclip_curate.metadata.wikipedia.segment import Segmenter
from metaclip_curate.metadata.wikipedia.stats import PageStats
from metaclip_curate.stages.metadata import wikipedia

TEXTS = ["a red boat and a red lighthouse", "a red lighthouse keeper, a keeper", "boat and boat"]


@pytest.mark.parametrize("most", [0, 5, 1000])
def test_a_task_that_hands_over_often_counts_the_same(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(wikipedia, "_MOST_NGRAMS", most)
    monkeypatch.setattr(wikipedia, "_BATCH_ROWS", 2)
    stats = PageStats()
    batches = list(wikipedia._counted(iter(TEXTS), "en", stats))
    found: Counter[tuple[str, str | None]] = Counter()
    for row in pa.Table.from_batches(batches).to_pylist():
        assert row["wikipedia"] == "en"
        found[row["first"], row["second"]] += row["count"]
    expected = NgramCounts()
    expected.add(run for text in TEXTS for run in Segmenter("en").runs(text))
    assert found == Counter({(word, None): count for word, count in expected.unigrams.items()}) + expected.bigrams
    assert stats.tokens == expected.tokens == 16
    assert stats.plain_bytes == sum(map(len, TEXTS))
    assert max(batch.num_rows for batch in batches) == 2


def test_rows_of_a_column_are_counted_by_outcome() -> None:
    stats = PageStats()
    batch = pa.RecordBatch.from_pydict({"text": ["one", None, " \n", "x" * 100, "two"]})
    assert list(wikipedia._usable(iter([batch]), PageLimits(max_bytes=50), stats)) == ["one", "two"]
    assert stats == PageStats(pages=5, used=2, no_text=2, too_long=1)
