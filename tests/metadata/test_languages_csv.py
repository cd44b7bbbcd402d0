"""metadata/languages.csv against itself; tests/language/test_language_table.py holds it to the language-ID model."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from metaclip_curate.language.languages import LANGUAGES_CSV, LANGUAGES_CSV_COLUMNS

ROOT = Path(__file__).parent.parent.parent
Row = dict[str, str]


@pytest.fixture(scope="module")
def rows() -> dict[str, Row]:
    with LANGUAGES_CSV.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        read = list(reader)
    assert tuple(reader.fieldnames or ()) == LANGUAGES_CSV_COLUMNS
    assert [row["code"] for row in read] == sorted({row["code"] for row in read})
    return {row["code"]: row for row in read}


def test_the_package_reads_the_file_that_is_shown() -> None:
    assert LANGUAGES_CSV.resolve() == (ROOT / "metadata" / "languages.csv").resolve()


def test_every_wikipedia_is_there(rows: dict[str, Row]) -> None:
    assert len(rows) >= 360
    # Editions with more than a million articles, and ones whose dump is named unlike their address.
    assert {"en", "ceb", "de", "fr", "sv", "nl", "es", "ru", "it", "pl", "arz", "zh", "ja", "uk", "vi", "ar"} <= set(
        rows
    )
    assert {"war", "pt", "fa", "be_x_old", "zh_min_nan", "zh_classical", "zh_yue", "bat_smg", "roa_tara"} <= set(rows)


def test_cells_have_their_form(rows: dict[str, Row]) -> None:
    for code, row in rows.items():
        assert code.replace("_", "").isalpha() and code.islower() and code.isascii(), code
        assert row["name"] and row["name"] == row["name"].strip(), code
        assert len(row["script"]) == 4 and row["script"].istitle(), code
        assert row["without_spaces"] in ("yes", "no"), code
        assert row["wordnet"] == "" or (len(row["wordnet"]) == 3 and row["wordnet"].islower()), code


def test_a_list_of_its_own_is_reached_by_a_label(rows: dict[str, Row]) -> None:
    for code, row in rows.items():
        if not row["merged_into"]:
            assert row["lid176_labels"], code


def test_other_is_only_what_no_label_reaches(rows: dict[str, Row]) -> None:
    for code, row in rows.items():
        if row["merged_into"] == "other":
            assert not row["lid176_labels"], code


def test_labels_with_scripts_are_of_the_scripts_of_their_rows(rows: dict[str, Row]) -> None:
    scripts = {"Hani": {"Hani", "Hans", "Hant"}, "Kore": {"Hang"}}
    rows_of: dict[str, str] = {}
    for code, row in rows.items():
        for label in {*row["glotlid_labels"].split(), *row["openlid_labels"].split()}:
            language, _, script = label.partition("_")
            assert len(language) == 3 and script in scripts.get(row["script"], {row["script"]}), label
            assert rows_of.setdefault(label, code) == code, label
        for column in ("glotlid_labels", "openlid_labels"):
            assert row[column].split() == sorted(set(row[column].split())), code


def test_variants_go_to_a_list_of_their_script(rows: dict[str, Row]) -> None:
    variants = {code: row for code, row in rows.items() if row["merged_into"] not in ("", "other")}
    assert {code: rows[code]["merged_into"] for code in ("zh_classical", "zh_yue", "be_x_old")} == {
        "zh_classical": "zh",
        "zh_yue": "zh",
        "be_x_old": "be",
    }
    assert rows["simple"]["merged_into"] == "other"
    for code, row in variants.items():
        target = rows[row["merged_into"]]
        assert target["merged_into"] == "", code
        assert target["script"] == row["script"], code
        assert target["without_spaces"] == row["without_spaces"], code


def test_languages_without_spaces(rows: dict[str, Row]) -> None:
    without = {code for code, row in rows.items() if row["without_spaces"] == "yes"}
    assert {"zh", "ja", "th", "lo", "my", "km", "bo", "dz", "wuu", "gan", "zh_classical", "zh_yue"} <= without
    assert not without & {"ko", "vi", "zh_min_nan", "hi", "am", "en"}


def test_wordnets(rows: dict[str, Row]) -> None:
    wordnets = [row["wordnet"] for row in rows.values() if row["wordnet"]]
    assert len(wordnets) == len(set(wordnets)) >= 30
    assert {rows[code]["wordnet"] for code in ("fr", "it", "ar", "da", "zh", "he")} == {
        "fra",
        "ita",
        "arb",
        "dan",
        "cmn",
        "heb",
    }
    assert rows["sq"]["wordnet"] == "als" and rows["als"]["wordnet"] == ""


def test_real_wikis_and_wordnets_have_rows(real_data: Path, rows: dict[str, Row]) -> None:
    dumps = {path.name.partition("wiki-")[0] for path in (real_data / "wiki").glob("*.bz2")}
    assert dumps and dumps <= set(rows)
    wordnets = {path.name[len("wn-data-") :].partition(".")[0] for path in (real_data / "omw").glob("wn-data-*")}
    assert wordnets and wordnets <= {row["wordnet"] for row in rows.values()}
