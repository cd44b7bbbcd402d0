from __future__ import annotations

import dataclasses
import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from examples.dump_writer import WikiPage, read_pages, write_dump, write_multistream
from metaclip_curate.errors import UserError
from metaclip_curate.metadata.building.ngrams import NgramCounts
from metaclip_curate.metadata.wikipedia.segment import Segmenter
from metaclip_curate.metadata.wikipedia.siteinfo import ENGLISH_HIDDEN
from metaclip_curate.metadata.wikipedia.wikitext import plain_text
from metaclip_curate.options.ngrams import NgramOptions
from metaclip_curate.stages.metadata.ngrams import NgramSources, build_ngrams
from metaclip_curate.storage import StorageOptions

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

STORAGE = StorageOptions()
LIMITS = NgramOptions(split_bytes=1200)
LOWEST = 2  # count of a pair
NAME = "enwiki-20250101-pages-articles-multistream.xml.bz2"


def counts(folder: Path) -> dict[tuple[str, str, str | None], int]:
    """Returns the count of each word (without a second part) and pair of a Wikipedia."""
    found = pq.read_table(folder / "counts").to_pylist()
    words = [row for row in found if row["joiner"] is not None]
    assert len({(row["wikipedia"], row["first"], row["second"]) for row in words}) == len(words)
    return {(row["wikipedia"], row["first"], row["second"]): row["count"] for row in words}


def expected_counts(wikipedia: str, texts: list[str]) -> dict[tuple[str, str, str | None], int]:
    """The same by plain Python in one process."""
    segmenter, found = Segmenter(wikipedia), NgramCounts()
    for text in texts:
        found.add(segmenter.runs(text))
    words = {(wikipedia, word, None): count for word, count in found.unigrams.items()}
    return words | {(wikipedia, *pair): count for pair, count in found.bigrams.items() if count >= LOWEST}


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
    build_ngrams(spark, NgramSources("en", english[0], LOWEST), str(folder), LIMITS, STORAGE)
    return folder


def test_counts_of_all_forms_are_those_of_one_process(built: Path, english: tuple[list[str], list[str]]) -> None:
    expected = expected_counts("en", english[1])
    assert counts(built) == expected
    assert {("en", "New", "York"), ("en", "lighthouse", "keeper")} <= expected.keys()


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
    assert record["tokens"] == {"en": record["total"]["tokens"]}
    assert sorted(path.name for path in built.iterdir()) == ["counts", "wikipedia.json"]


def test_order_and_cuts_change_nothing(
    spark: SparkSession, built: Path, english: tuple[list[str], list[str]], tmp_path: Path
) -> None:
    options = dataclasses.replace(LIMITS, split_bytes=1 << 30)
    build_ngrams(spark, NgramSources("en", english[0][::-1], LOWEST), str(tmp_path / "en"), options, STORAGE)
    assert counts(tmp_path / "en") == counts(built)


def test_a_damaged_dump_of_a_language_without_spaces(spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "thwiki-20250101-pages-articles.xml.bz2"
    noise = [WikiPage(f"N{number}", "".join(chr(97 + i * number % 26) for i in range(50_000))) for number in range(9)]
    write_dump(path, [*read_pages("th"), *noise], "th", level=1)
    data = bytearray(path.read_bytes())
    data[-200] ^= 1  # in the last block; the Thai pages are in the first
    path.write_bytes(bytes(data))
    with pytest.raises(UserError, match=r"thwiki.* is damaged or incomplete .*1 parts .*--allow-damaged-dumps"):
        build_ngrams(spark, NgramSources("th", [str(path)], LOWEST), str(tmp_path / "out"), LIMITS, STORAGE)
    assert not (tmp_path / "out" / "wikipedia.json").exists()
    options = dataclasses.replace(LIMITS, allow_damaged_dumps=True, split_bytes=1 << 20)
    other = tmp_path / "lowiki-20250101.jsonl"
    other.write_text(json.dumps({"text": "abc abc"}) + "\n", encoding="utf-8")
    sources = NgramSources("th", [str(path), str(other)], LOWEST)
    build_ngrams(spark, sources, str(tmp_path / "out"), options, STORAGE)
    expected = expected_counts("th", articles("th", ENGLISH_HIDDEN | {"ไฟล์", "หมวดหมู่"}))
    found = counts(tmp_path / "out")
    assert {key: count for key, count in found.items() if key[1] > "z"} == {
        key: count for key, count in expected.items() if key[1] > "z"
    }
    # Each Wikipedia has counts of its own.
    assert found["lo", "abc", None] == 2
    record = json.loads((tmp_path / "out" / "wikipedia.json").read_text(encoding="utf-8"))
    assert list(record["tokens"]) == ["lo", "th"]
    assert record["tokens"]["lo"] == 2
    (damaged,) = record["warnings"]
    assert damaged.startswith("damaged or incomplete dumps were used as far as they could be read: ")


def test_what_is_known_before_anything_is_read(
    spark: SparkSession, english: tuple[list[str], list[str]], tmp_path: Path
) -> None:
    def message(*paths: Path) -> str:
        with pytest.raises(UserError) as error:
            sources = NgramSources("en", [str(path) for path in paths])
            build_ngrams(spark, sources, str(tmp_path / "out"), LIMITS, STORAGE)
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
    assert not (tmp_path / "out" / "counts").exists()
