"""Each different text is identified once."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pytest

from metaclip_curate.extract import text_languages
from metaclip_curate.extract.text_languages import TextLanguages


class Lengths:
    """Says how long a text is, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def identify_each(self, texts: Sequence[str]) -> tuple[pa.Array, pa.Array]:
        self.asked += texts
        lengths = list(map(len, texts))
        return pa.array(map(str, lengths)), pa.array([length / 8 for length in lengths], pa.float32())


def test_repeats_get_the_same_answer_without_another_question() -> None:
    identifier = Lengths()
    languages = TextLanguages(identifier)
    for texts in (["a", "bb", "a"], ["bb", "ccc"]):
        labels, scores = languages.identify(texts)
        assert labels.to_pylist() == [str(len(text)) for text in texts]
        assert scores.to_pylist() == [len(text) / 8 for text in texts]
        assert scores.type == pa.float32()
    assert identifier.asked == ["a", "bb", "ccc"]


def test_what_is_remembered_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_languages, "_MOST_CHARACTERS", 3)
    identifier = Lengths()
    languages = TextLanguages(identifier)
    for _ in range(2):
        assert languages.identify(["dddd"])[0].to_pylist() == ["4"]
    assert identifier.asked == ["dddd", "dddd"]


def test_without_an_identifier_labels_are_empty() -> None:
    labels, scores = TextLanguages(None).identify(["a", "b"])
    assert (labels.to_pylist(), scores.to_pylist()) == (["", ""], [0.0, 0.0])
