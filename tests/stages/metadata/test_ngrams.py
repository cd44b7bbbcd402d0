from __future__ import annotations

import dataclasses
import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from examples.dump_writer import WikiPage, read_pages, write_dump, write_multistream
from metaclip_curate.errors import UserError
from metaclip_curate.metadata.building.ngrams import NgramCounts, pmi
from metaclip_curate.metadata.wikipedia.segment import Segmenter
from metaclip_curate.metadata.wikipedia.siteinfo import ENGLISH_HIDDEN
from metaclip_curate.metadata.wikipedia.wikitext import plain_text
from metaclip_curate.options.ngrams import NgramOptions
from metaclip_curate.stages.metadata.ngrams import build_ngrams
from metaclip_curate.storage import StorageOptions

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

STORAGE = StorageOptions()
LIMITS = NgramOptions(lowest_unigram_count=2, lowest_bigram_count=2, lowest_pmi=2.5, split_bytes=1200)
NAME = "enwiki-20250101-pages-articles-multistream.xml.bz2"


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(folder / name).to_pylist()
    return found


def expected_rows(language: str, texts: list[str], limits: NgramOptions) -> dict[str, list[dict[str, Any]]]:
    """The same by plain Python in one process."""
    segmenter, counts = Segmenter(language), NgramCounts()
    for text in texts:
        counts.add(segmenter.runs(text))
    words = counts.unigrams
    unigrams = [{"entry": w, "count": n} for w, n in words.items() if n >= limits.lowest_unigram_count]
    best: dict[str, tuple[float, int]] = {}
    for (first, second), count in counts.bigrams.items():
        value = pmi(count, words[first], words[second], counts.tokens)
        if count >= limits.lowest_bigram_count and value >= limits.lowest_pmi:
            entry = first + segmenter.joiner + second
            best[entry] = max(best.get(entry, (value, count)), (value, count))
    bigrams = [{"entry": entry, "count": count, "pmi": value} for entry, (value, count) in best.items()]
    return {
        "unigrams": sorted(unigrams, key=lambda row: (-int(str(row["count"])), row["entry"])),
        "bigrams": sorted(bigrams, key=lambda row: (-float(str(row["pmi"])), row["entry"])),
    }


def articles(language: str, hidden: frozenset[str] = ENGLISH_HIDDEN) -> list[str]:
    pages = read_pages(language)
    return [plain_text(page.text, hidden) for page in pages if not page.namespace and page.text[0] != "#"]


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], list[str]]:
    """Files in all three forms, and their texts."""
    folder = tmp_path_factory.mktemp("english")
    index = write_multistream(folder / NAME, read_pages("en"), "en", pages_per_stream=3)
    plain = ["New York is a city. New York has a lighthouse.", "The city of New York; a harbour wall."]
    lines = [line for text in plain for line in ('{"index": {}}', json.dumps({"namespace": 0, "text": text}))]
    cirrus = folder / "enwiki-20250101-cirrussearch-content.json.gz"
    cirrus.write_bytes(gzip.compress("\n".join(lines).encode()))
    column = ["A rowing boat from New York", None, "  ", "A harbour wall"]
    parquet = folder / "train-00000-of-00001.parquet"
    pq.write_table(pa.table({"title": ["a", "b", "c", "d"], "text": column}), parquet)
    paths = [str(path) for path in (folder / NAME, index, cirrus, parquet)]
    return paths, [*articles("en"), *plain, *(text for text in column if text)]


@pytest.fixture(scope="module")
def built(spark: SparkSession, english: tuple[list[str], list[str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built") / "en"
    build_ngrams(spark, "en", english[0], str(folder), LIMITS, STORAGE)
    return folder


def test_counts_of_all_forms_are_those_of_one_process(built: Path, english: tuple[list[str], list[str]]) -> None:
    expected = expected_rows("en", english[1], LIMITS)
    assert rows(built, "unigrams") == expected["unigrams"]
    assert rows(built, "bigrams") == expected["bigrams"]
    assert {"New York", "lighthouse keeper", "plum cake"} & {row["entry"] for row in expected["bigrams"]}
    assert pq.read_schema(next((built / "bigrams").glob("*.parquet"))).remove_metadata() == pa.schema(
        [("entry", pa.string()), ("count", pa.int64()), ("pmi", pa.float64())]
    )


def test_every_page_is_in_the_record(built: Path) -> None:
    record = json.loads((built / "wikipedia.json").read_text(encoding="utf-8"))
    dump, cirrus, parquet = record["files"]
    assert (dump["form"], dump["pages"], dump["used"], dump["redirect"], dump["other_namespace"]) == ("xml", 5, 3, 1, 1)
    assert dump["index"].endswith("index.txt.bz2")
    assert dump["bytes"] == Path(dump["path"]).stat().st_size
    assert (cirrus["form"], cirrus["pages"], cirrus["used"]) == ("json", 2, 2)
    assert (parquet["form"], parquet["pages"], parquet["used"], parquet["no_text"]) == ("parquet", 4, 2, 2)
    assert record["total"]["tokens"] == sum(file["tokens"] for file in record["files"]) > 100
    assert record["warnings"] == []
    assert sorted(path.name for path in built.iterdir()) == ["bigrams", "unigrams", "wikipedia.json"]


def test_order_and_cuts_change_nothing(
    spark: SparkSession, built: Path, english: tuple[list[str], list[str]], tmp_path: Path
) -> None:
    options = dataclasses.replace(LIMITS, split_bytes=1 << 30)
    build_ngrams(spark, "en", english[0][::-1], str(tmp_path / "en"), options, STORAGE)
    for name in ("unigrams", "bigrams"):
        assert rows(tmp_path / "en", name) == rows(built, name)


def test_a_damaged_dump_of_a_language_without_spaces(spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "thwiki-20250101-pages-articles.xml.bz2"
    noise = [WikiPage(f"N{number}", "".join(chr(97 + i * number % 26) for i in range(50_000))) for number in range(9)]
    write_dump(path, [*read_pages("th"), *noise], "th", level=1)
    data = bytearray(path.read_bytes())
    data[-200] ^= 1  # in the last block; the Thai pages are in the first
    path.write_bytes(bytes(data))
    with pytest.raises(UserError, match=r"thwiki.* is damaged or incomplete .*1 parts .*--allow-damaged-dumps"):
        build_ngrams(spark, "th", [str(path)], str(tmp_path / "out"), LIMITS, STORAGE)
    assert not (tmp_path / "out" / "wikipedia.json").exists()
    options = dataclasses.replace(LIMITS, allow_damaged_dumps=True, split_bytes=1 << 20, lowest_pmi=30.0)
    build_ngrams(spark, "th", [str(path)], str(tmp_path / "out"), options, STORAGE)
    expected = expected_rows("th", articles("th", ENGLISH_HIDDEN | {"ไฟล์", "หมวดหมู่"}), options)
    assert [row for row in rows(tmp_path / "out", "unigrams") if row["entry"] > "z"] == [
        row for row in expected["unigrams"] if row["entry"] > "z"
    ]
    record = json.loads((tmp_path / "out" / "wikipedia.json").read_text(encoding="utf-8"))
    assert rows(tmp_path / "out", "bigrams") == []
    impossible, damaged = record["warnings"]
    assert impossible.startswith("no bigram can have 30 bits of mutual information: with ")
    assert damaged == "damaged or incomplete dumps were used as far as they could be read"


def test_what_is_known_before_anything_is_read(
    spark: SparkSession, english: tuple[list[str], list[str]], tmp_path: Path
) -> None:
    def message(*paths: Path) -> str:
        with pytest.raises(UserError) as error:
            build_ngrams(spark, "en", [str(path) for path in paths], str(tmp_path / "out"), LIMITS, STORAGE)
        return str(error.value)

    cut = tmp_path / "enwiki-20250101-pages-articles.xml.bz2"
    cut.write_bytes(Path(english[0][0]).read_bytes()[:-30])
    assert "is cut off" in message(cut)
    assert "can't be read: no such file" in message(tmp_path / "enwiki-pages-articles.xml.bz2")
    other = tmp_path / NAME
    write_multistream(other, [WikiPage("A", "a")], "en")
    index = Path(english[0][1])
    (tmp_path / index.name).write_bytes(index.read_bytes())
    assert "doesn't fit" in message(other, tmp_path / index.name)
    pq.write_table(pa.table({"body": ["a"]}), tmp_path / "a.parquet")
    assert "has no column text" in message(tmp_path / "a.parquet")
    (tmp_path / "b.parquet").write_bytes(b"no parquet")
    assert "b.parquet can't be read as Parquet" in message(tmp_path / "b.parquet")
    assert not (tmp_path / "out" / "unigrams").exists()
