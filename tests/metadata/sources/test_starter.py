from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.language import load_language_table
from metaclip_curate.matching import Matcher
from metaclip_curate.metadata.lists.folder import MetadataFolder
from metaclip_curate.metadata.sources import starter
from metaclip_curate.metadata.sources.starter import NUMBERS, SHIPPED_LISTS, available_languages, build_starter
from metaclip_curate.metadata.sources.word_forms import is_usable

pytest.importorskip("wordfreq", reason="the starter set needs wordfreq, extra [starter]")

from tests.conftest import ROOT

# The word lists take seconds to read.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> MetadataFolder:
    folder = tmp_path_factory.mktemp("starter") / "metadata"
    build_starter(folder, limit=300)
    return MetadataFolder.open(folder)


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_languages(built: MetadataFolder) -> None:
    assert built.languages == available_languages()
    assert len(built.languages) == 46
    assert {"no", "tl", "th", "hr", "bs", "sr", "sh"} <= set(built.languages)
    assert not {"nb", "fil"} & set(built.languages)


def test_each_language_is_a_metadata_language(built: MetadataFolder) -> None:
    assert set(built.languages) <= set(load_language_table().labels.values())


def test_lists_are_usable_and_without_repeats(built: MetadataFolder) -> None:
    for language in built.languages:
        entries = built.entries(language)
        assert tuple(entries[:100]) == NUMBERS, language
        assert len(entries) == len(set(entries)) >= 400, language
        assert all(is_usable(entry) for entry in entries[100:]), language


def test_words_come_by_frequency_with_their_capitals(built: MetadataFolder) -> None:
    assert built.entries("en")[100:106] == ["the", "The", "THE", "to", "To", "TO"]
    assert built.entries("zh")[100] == "的"
    assert built.entries("sr")[100:103] == ["је", "Је", "ЈЕ"]
    assert "της" in built.entries("el") and "τησ" not in built.entries("el")
    assert "Straße" in built.entries("de")


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "The house of the world"),
        ("de", "Die schöne Straße"),
        ("th", "แมวสีดำกินปลา"),
        ("zh", "我们的中国"),
        ("ko", "이 사람"),
        ("ar", "في كل مكان"),
        ("hi", "यह एक घर है"),
        ("ru", "Это не я"),
    ],
)
def test_texts_match(built: MetadataFolder, language: str, text: str) -> None:
    assert len(Matcher(built.entries(language)).match([text])[0]) >= 2


def test_limit_counts_words_and_reaches_into_the_long_lists(tmp_path: Path) -> None:
    # wordfreq's short English list has fewer words than that.
    build_starter(tmp_path / "long", ["en"], limit=40_000)
    build_starter(tmp_path / "short", ["en"], limit=1_000)
    long, short = (MetadataFolder.open(tmp_path / name).entries("en") for name in ("long", "short"))
    assert long[: len(short)] == short
    sources = json.loads((tmp_path / "long" / "sources.json").read_bytes())
    assert sources["languages"]["en"]["sources"][1]["words"] == 40_000


def test_same_bytes_every_time(tmp_path: Path) -> None:
    for name in ("a", "b"):
        build_starter(tmp_path / name, ["de", "th", "no"], limit=50)
    assert bytes_of(tmp_path / "a") == bytes_of(tmp_path / "b")


def test_sources_say_what_it_is(built: MetadataFolder) -> None:
    sources = json.loads((Path(built.path) / "sources.json").read_bytes())
    assert sources["kind"] == starter.KIND
    assert {item["limit"] for item in sources["languages"].values()} == {300}
    assert {lang: item["sha256"] for lang, item in sources["languages"].items()} == built.digests()
    assert {lang: item["entries"] for lang, item in sources["languages"].items()} == {
        lang: len(built.entries(lang)) for lang in built.languages
    }
    norwegian = sources["languages"]["no"]["sources"][1]
    assert norwegian["name"].startswith("wordfreq 3.") and norwegian["language"] == "nb"
    assert (norwegian["licence"], norwegian["words"]) == ("CC BY-SA 4.0", 300)


def test_summary(tmp_path: Path) -> None:
    summary = build_starter(tmp_path / "out", ["en", "th"], limit=10)
    folder = MetadataFolder.open(tmp_path / "out")
    assert summary.entries == {language: len(folder.entries(language)) for language in ("en", "th")}
    assert "in 2 languages (en, th)" in str(summary)


def test_lists_of_the_same_language_are_replaced_and_others_stay(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    build_starter(out, ["de", "th", "it"], limit=10)
    (out / "it.txt").unlink()
    with (out / "de.txt").open("a") as file:
        file.write("mine\n")
    before = bytes_of(out)
    summary = build_starter(out, ["th", "fr"], limit=20)
    assert summary.kept == ("de",)
    assert str(summary).endswith("entries in 2 languages (fr, th); the lists of de stay as they are")
    fresh = tmp_path / "fresh"
    assert "stay" not in str(build_starter(fresh, ["th", "fr"], limit=20))
    after, described = bytes_of(out), json.loads((out / "sources.json").read_bytes())["languages"]
    assert after.keys() == {"de.txt", "fr.txt", "th.txt", "sources.json"}
    assert after["de.txt"] == before["de.txt"]
    assert {name: after[name] for name in ("fr.txt", "th.txt")} == {
        name: data for name, data in bytes_of(fresh).items() if name != "sources.json"
    }
    assert {code: item["limit"] for code, item in described.items()} == {"de": 10, "fr": 20, "th": 20}
    # What the user added to a list that stayed is still known to be the user's.
    with pytest.raises(UserError, match=r"de.txt isn't as the starter set wrote it"):
        build_starter(out, ["de"], limit=20)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fresh", "out"]


def test_a_build_that_breaks_off_leaves_the_folder_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    build_starter(out, ["de"], limit=10)
    before = bytes_of(out)

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(starter, "_move_to", fail)
    with pytest.raises(KeyboardInterrupt):
        build_starter(out, ["de"], limit=20)
    assert bytes_of(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("name", ["en.json", "sources.json"])
def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('["mine"]')
    with pytest.raises(UserError, match="holds files of another kind than a starter set"):
        build_starter(tmp_path, ["en"], limit=10)
    assert bytes_of(tmp_path) == {name: b'["mine"]'}


def test_out_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(UserError, match=r"out is a file and not a folder: name a new or empty folder"):
        build_starter(tmp_path / "out", ["en"], limit=10)
    with pytest.raises(UserError, match="cannot be written"):
        build_starter(tmp_path / "out" / "below", ["en"], limit=10)


def test_unknown_language(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no starter list for nb, xx; choose among ar, bg"):
        build_starter(tmp_path / "out", ["xx", "en", "nb"])
    with pytest.raises(UserError, match="No language"):
        build_starter(tmp_path / "out", [])
    assert not (tmp_path / "out").exists()


def test_limit_below_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="limit"):
        build_starter(tmp_path / "out", limit=0)


def test_without_wordfreq(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wordfreq", None)
    with pytest.raises(UserError, match=r"pip install --editable '\.\[starter\]'"):
        build_starter(tmp_path / "out")


def test_shipped_lists() -> None:
    assert SHIPPED_LISTS.resolve() == (ROOT / "metadata" / "starter").resolve()
    shipped = MetadataFolder.open(SHIPPED_LISTS)
    assert shipped.languages == ["de", "th"]
    thai, german = shipped.entries("th"), shipped.entries("de")
    assert len(thai) == len(set(thai)) >= 500
    assert all("\u0e00" <= character <= "\u0e7f" for word in thai for character in word)
    assert {"แมว", "สุนัข", "ช้าง", "ข้าวผัด", "กรุงเทพ", "สีแดง", "สวยงาม", "วิ่ง"} <= set(thai)
    assert len(german) == len(set(german)) >= 200
    assert all("ß" in word and word == word.lower() for word in german)


@pytest.mark.parametrize("name", ["de.txt", "fr.txt"])
def test_a_list_that_was_changed_stays(tmp_path: Path, name: str) -> None:
    build_starter(tmp_path / "out", ["de"], limit=10)
    with (tmp_path / "out" / name).open("a") as file:
        file.write("mine\n")
    before = bytes_of(tmp_path / "out")
    with pytest.raises(UserError, match=f"{name} isn't as the starter set wrote it"):
        build_starter(tmp_path / "out", ["de", "fr"], limit=10)
    assert bytes_of(tmp_path / "out") == before
