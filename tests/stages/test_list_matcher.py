"""Matching few texts with a long list gives what `Matcher` gives."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given

from metaclip_curate.matching import Matcher
from metaclip_curate.matching.normalization import NORMALIZATIONS
from metaclip_curate.matching.spacing import ENTRY_SPACINGS
from metaclip_curate.options.match import EntrySpacing, Normalization
from metaclip_curate.stages import list_matcher
from metaclip_curate.stages.list_matcher import ListMatcher
from tests.support.strategies import Corpus, corpora, examples


@pytest.mark.parametrize("normalize", NORMALIZATIONS)
@pytest.mark.parametrize("spacing", ENTRY_SPACINGS)
@examples(100)
@given(corpus=corpora())
@example(
    corpus=Corpus(["", "abcdefghij", "cdefghij", "a\nb", "it's", "St. Louis"], ["abcdefghij!", "St. Louis", "a\nb"])
)
@example(corpus=Corpus(["un caf\u00e9\u00a0noir", "cafe\u0301 noir"], ["cafe\u0301 noir", "\u00ad", "\ud800"]))
@example(corpus=Corpus(["中文字典很長的詞條", "長的", "x"], ["這是中文字典很長的詞條。", ""]))
def test_equals_the_whole_automaton(spacing: EntrySpacing, normalize: Normalization, corpus: Corpus) -> None:
    # Entries that no text can contain make the list long.
    entries = [*corpus.entries, *(f"\u2603{number}" for number in range(sum(map(len, corpus.texts)) + 1))]
    texts = pa.array(corpus.texts, pa.string())
    few = ListMatcher(entries, spacing, normalize)
    found = few.match(texts)
    found.validate(full=True)
    assert found.type == pa.list_(pa.int32())
    assert found.to_pylist() == Matcher(corpus.entries, spacing, normalize).match(texts).to_pylist()
    assert few._matcher is None


def test_the_automaton_is_built_when_many_texts_were_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[int] = []

    def build(entries: list[str], *rules: Any) -> Matcher:
        built.append(len(entries))
        return Matcher(entries, *rules)

    monkeypatch.setattr(list_matcher, "Matcher", build)
    matcher = ListMatcher(["sun", "moon", "star 1", "star 2"])
    for _ in range(4):
        assert matcher.match(pa.array(["the sun", "a moon"])).to_pylist() == [[0], [1]]
    # 13 bytes each time, and 32 are few for 4 entries.
    assert built == [2, 2, 4]
