from __future__ import annotations

from pathlib import Path

from metaclip_curate.language import Language, read_languages


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
