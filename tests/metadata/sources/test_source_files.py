"""Which files of a sources folder a build takes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.metadata.sources.editions import editions_of
from metaclip_curate.metadata.sources.source_files import SourceFiles, without_copies
from metaclip_curate.storage import StorageOptions

_ARTICLES, _MULTISTREAM = "pages-articles.xml.bz2", "pages-articles-multistream.xml.bz2"


def sources(folder: Path, *names: str) -> SourceFiles:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return SourceFiles([str(folder)], StorageOptions())


def texts(files: SourceFiles, language: str) -> tuple[list[str], list[str]]:
    logged: list[str] = []
    return [file.name for file in files.texts(editions_of(language), logged.append)], logged


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        ([f"enwiki-20250101-{_ARTICLES}", f"enwiki-20250101-{_MULTISTREAM}"], [1]),
        ([f"enwiki-20250101-{_ARTICLES}", f"enwiki-20250201-{_ARTICLES}"], [1]),
        ([f"enwiki-20250201-{_ARTICLES}", f"enwiki-20250101-{_MULTISTREAM}"], [1]),
        (["enwiki-20250101-pages-articles1.xml-p1p9.bz2", "enwiki-20250101-pages-articles2.xml-p10p19.bz2"], [0, 1]),
        (["enwiki-20250101-pages-articles1.xml-p1p9.bz2", f"enwiki-20250101-{_ARTICLES}"], [1]),
        (["enwiki-20250101-cirrussearch-content.json.gz", "20231101.en/train-0.parquet"], [0]),
        (["enwiki_content-20250101-00000.json.bz2", "enwiki_content-20250101-00001.json.bz2"], [0, 1]),
        (["20231101.en/train-0.parquet", "20231101.en/train-1.parquet", "20221101.en/train-0.parquet"], [0, 1]),
        (["a/enwiki.jsonl.gz", "enwiki-own.parquet"], [0, 1]),
        ([f"enwiki-{_ARTICLES}", f"enwiki-shortened-{_ARTICLES}"], [0, 1]),
        ([f"enwiki-{_ARTICLES}", f"simplewiki-{_ARTICLES}", f"dewiki-{_ARTICLES}", "notes.parquet"], [0]),
        ([f"a/enwiki-20250101-{_ARTICLES}", f"b/enwiki-20250101-{_ARTICLES}"], [1]),
    ],
)
def test_each_text_once(tmp_path: Path, names: list[str], taken: list[int]) -> None:
    found, logged = texts(sources(tmp_path, *names), "en")
    assert found == sorted(names[place] for place in taken)
    others = [name for name in names if name not in found and ("enwiki" in name or ".en/" in name)]
    assert all(any(name in line for line in logged) for name in others)


def test_variants_that_are_merged_in(tmp_path: Path) -> None:
    names = [f"{wiki}-{_ARTICLES}" for wiki in ("zhwiki", "zh_yuewiki", "zh_classicalwiki", "wuuwiki", "hakwiki")]
    assert texts(sources(tmp_path, *names, "20231101.gan/x.parquet"), "zh")[0] == sorted(
        [*names[:4], "20231101.gan/x.parquet"]
    )


def test_an_index_goes_with_its_dump(tmp_path: Path) -> None:
    index = "pages-articles-multistream-index.txt.bz2"
    files = sources(tmp_path, f"dewiki-20250101-{_MULTISTREAM}", f"dewiki-20250101-{index}", f"dewiki-20240101-{index}")
    assert texts(files, "de")[0] == [f"dewiki-20250101-{index}", f"dewiki-20250101-{_MULTISTREAM}"]


def test_page_views_once_an_hour(tmp_path: Path) -> None:
    names = ["a/pageviews-20250101-000000.gz", "b/pageviews-20250101-000000.gz", "b/pageviews-20250101-010000.gz"]
    files = sources(tmp_path, *names, "projectviews-20250101-000000", "b/pageviews-20250101-020000.gz.part")
    assert [file.name for file in files.page_views()] == [names[0], names[2]]


def test_wordnets(tmp_path: Path) -> None:
    princeton = [f"dict/data.{part}" for part in ("adj", "adv", "noun", "verb")]
    files = sources(tmp_path, "omw/wn-data-fra.tab.gz", "omw-1.4.zip", "wordnet.zip", "other.zip", *princeton)
    assert [file.name for file in files.wordnets("fra")] == ["omw/wn-data-fra.tab.gz"]
    assert [file.name for file in files.wordnets("ita")] == ["omw-1.4.zip", "wordnet.zip"]
    assert [file.name for file in files.wordnets("eng")] == princeton
    (tmp_path / princeton[1]).unlink()
    with pytest.raises(UserError, match=r"not data\.adv"):
        sources(tmp_path, "x").wordnets("eng")


def test_a_folder_with_nothing_in_it(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "gone"):
        with pytest.raises(UserError, match="has no files"):
            SourceFiles([str(folder)], StorageOptions())


def test_the_languages_that_there_is_text_of(tmp_path: Path) -> None:
    files = sources(
        tmp_path, f"zh_yuewiki-{_ARTICLES}", f"dewiki-{_ARTICLES}", "20231101.ace/x.parquet", "xxwiki.jsonl"
    )
    assert files.languages() == ["de", "other", "zh"]
    with pytest.raises(UserError, match="no Wikipedia text of any language"):
        sources(tmp_path / "other", "notes.txt").languages()


def test_a_copy_of_a_dump_is_left_out_with_its_index(tmp_path: Path) -> None:
    index = "pages-articles-multistream-index.txt.bz2"
    names = [f"swwiki-{index}", f"swwiki-{_MULTISTREAM}", f"swwiki-latest-{index}", f"swwiki-latest-{_MULTISTREAM}"]
    logged: list[str] = []
    files = sources(tmp_path, *names).texts(editions_of("sw"), logged.append)
    assert ["2 dumps without a date as pieces of one text" in line for line in logged] == [True]
    by_name = {file.name: "index" if "index" in file.name else "text" for file in files}
    kept, lines = without_copies(files, list(by_name.values()))
    assert [file.name for file in kept] == [f"swwiki-latest-{index}", f"swwiki-latest-{_MULTISTREAM}"]
    assert lines == [f"swwiki-{_MULTISTREAM} is left out: it has the same content as swwiki-latest-{_MULTISTREAM}"]
    assert without_copies(files, list(by_name)) == (files, [])


def test_a_file_or_an_unreadable_folder_as_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="file is a file: name the folder that it is in"):
        SourceFiles([str(tmp_path / "file")], StorageOptions())

    def walk(folder: str, onerror: Callable[[OSError], None]) -> Iterator[Any]:
        onerror(PermissionError(13, "Permission denied", f"{folder}/below"))
        return iter(())

    monkeypatch.setattr(os, "walk", walk)
    with pytest.raises(UserError, match="below cannot be read"):
        SourceFiles([str(tmp_path)], StorageOptions())
