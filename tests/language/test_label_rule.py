from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from metaclip_curate.language import LabelRule, LanguageTable, read_languages
from metaclip_curate.language.label_rule import page_labels
from tests.support import oracle


@pytest.mark.parametrize("min_score", [None, 0.0, 0.5, 1.1])
def test_the_label_that_a_pair_counts_as(min_score: float | None) -> None:
    tags = ["", "de", "de-at", "de_at", "fil-ph", "deu", "d", "german", "x-klingon", "de at", "zh-hant-tw", "xx", "und"]
    rows = [{"lang": "en", "lang_score": score, "page_lang": tag} for tag in tags for score in (0.25, 0.5, 0.75)]
    columns = [pa.array([row[name] for row in rows]) for name in ("lang", "lang_score", "page_lang")]
    found = LabelRule(min_score).labels(columns[0], columns[1].cast(pa.float32()), columns[2])
    assert found.to_pylist() == [oracle.label_of(row, min_score) for row in rows]
    assert LabelRule.of("none", 0.5) == LabelRule()
    assert LabelRule.of("page", 0.5) == LabelRule(0.5)


@pytest.mark.parametrize(
    ("declared", "label"),
    [
        *(("nb", "no"), ("nob", "no"), ("nor", "no"), ("nn-no", "nn"), ("fil", "tl"), ("tgl", "tl"), ("tl", "tl")),
        *(("iw-il", "he"), ("heb", "he"), ("in", "id"), ("ji", "yi"), ("jw", "jv"), ("mo", "ro")),
        *(
            ("cmn-hans-cn", "zh"),
            ("zho", "zh"),
            ("chi", "zh"),
            ("yue", "zh"),
            ("deu", "de"),
            ("ger", "de"),
            ("swe", "sv"),
        ),
        *(("uzb", "uz"), ("arb", "ar"), ("arz", "arz"), ("srp", "sr"), ("hbs", "sh"), ("cbk", "cbk")),
        *(("gsw", "als"), ("als", "sq"), ("simple", "vi"), ("mul", "vi"), ("zxx", "vi"), ("xx", "vi"), ("jp", "vi")),
    ],
)
def test_pages_declare_codes_of_several_standards(table: LanguageTable, declared: str, label: str) -> None:
    found = LabelRule(0.5).labels(pa.array(["vi"]), pa.array([0.4], pa.float32()), pa.array([declared]))
    assert found.to_pylist() == [label] == [oracle.label_of(row_of(declared), 0.5)]
    assert table.metadata_language(label) == ("cbk_zam" if label == "cbk" else label)


def test_all_codes_that_pages_declare_reach_a_list_as_in_the_oracle(table: LanguageTable) -> None:
    labels = page_labels()
    assert len(labels) > 600
    by_oracle = {code: oracle.page_label(code) for code in labels}
    assert {code: table.metadata_language(label) for code, label in labels.items()} == {
        code: table.metadata_language(label) for code, label in by_oracle.items()
    }
    # A language has its own label or is part of a list that has one.
    assert {label for label in labels.values() if label not in table.labels} <= {
        language.code for language in read_languages() if language.metadata_language == "other"
    }


def row_of(page_lang: str) -> dict[str, Any]:
    return {"lang": "vi", "lang_score": 0.4, "page_lang": page_lang}
