from __future__ import annotations

import csv
import hashlib
import pickle
from pathlib import Path
from typing import Any

import fasttext_new
import langcodes
import pyarrow as pa
import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.language import LanguageIdentifier, LanguageTable, load_language_table
from metaclip_curate.language.languages import LANGUAGES_CSV, LANGUAGES_CSV_COLUMNS
from tests.support import oracle
from tests.support.sentences import SENTENCES


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
    labels = (Path(__file__).parent.parent / "metadata" / "labels" / f"{model}.txt").read_text().split()
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


def _write_table(folder: Path, *rows: str, bom: bool = False) -> Path:
    path = folder / "table.csv"
    text = "\r\n".join([",".join(LANGUAGES_CSV_COLUMNS), *rows, ""])
    path.write_bytes(text.encode("utf-8-sig" if bom else "utf-8"))
    return path


def _alt_texts(wat: Path) -> list[str]:
    return [row["text"] for row in oracle.read_wat(wat)[0] if row["text_source"] == "alt"]
