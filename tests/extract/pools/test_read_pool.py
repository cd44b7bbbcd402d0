"""Every form of a pool gives the pairs that the specification says, whatever is damaged."""

from __future__ import annotations

import dataclasses
import gzip
import json
import tarfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from examples import pool_writer
from metaclip_curate.errors import UserError
from metaclip_curate.extract import InputStats, ReadOptions, read_pairs
from metaclip_curate.extract.pools import json_lines
from metaclip_curate.extract.pools.columns import find_columns
from metaclip_curate.extract.pools.parquet_rows import RowGroups
from metaclip_curate.extract.pools.pool_pairs import PoolFile, PoolPairs
from metaclip_curate.extract.pools.raw_rows import BATCH_ROWS, RawRows
from metaclip_curate.extract.pools.read_pool import FilePart
from metaclip_curate.options.pool import PoolOptions
from metaclip_curate.schemas import PAIRS, kept_columns, with_kept
from metaclip_curate.storage import InputError
from tests.support import oracle

ROWS: list[dict[str, Any]] = [
    {"uid": "a", "url": "https://a.example/1.jpg", "text": "a cat", "score": 0.5},
    {"uid": "b", "url": "https://a.example/1.jpg", "text": " a\tcat\u2003", "score": 0.25},  # the same pair
    {"uid": "c", "url": "HTTP://B.example/x/../2.jpg#part", "text": 'zwei, "Katzen"', "score": 1.5},
    {"uid": "d", "url": "https://a.example/3.jpg", "text": " \u00a0", "score": 2.0},
    {"uid": "e", "url": "ftp://a.example/4.jpg", "text": "not http", "score": 3.0},
    {"uid": "f", "url": "/5.jpg", "text": "relative", "score": 4.0},
    {"uid": "g", "url": "", "text": "no URL", "score": 5.0},
    {"uid": "h", "url": "https://user:pass@a.example/6.jpg", "text": "with a password", "score": 6.0},
    {"uid": "i", "url": "https://a.example/" + "x" * 8200, "text": "too long", "score": 7.0},
    {"uid": "j", "url": "https://例え.example/7.jpg", "text": "ねこ", "score": 8.0},
    {"uid": "k", "url": "https://a.example/8.jpg?q=a b", "text": "two\nlines", "score": None},
    {"uid": "", "url": "https://a.example/9.jpg", "text": None, "score": 9.0},
]
FORMS = ("p.parquet", "p.jsonl", "p.jsonl.gz", "p.csv", "p.csv.gz", "p.tsv", "p.tar")
OPTIONS = PoolOptions(id_column="uid", keep_columns=("score",))
KEPT = kept_columns(["score"], ["double"])


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    if path.name.endswith(".parquet"):
        pool_writer.write_parquet(path, rows, row_group_size=5)
    elif ".jsonl" in path.name:
        pool_writer.write_json_lines(path, rows)
    elif path.name.endswith(".tar"):
        pool_writer.write_tar(path, rows, lambda number: b"\xff\xd8" + bytes(3 * number))
    else:
        pool_writer.write_csv(path, rows)
    return path


Rows = list[dict[str, Any]]


def read(path: Path, options: ReadOptions | None = None, part: FilePart | None = None) -> tuple[list[Any], InputStats]:
    stats = InputStats(str(path))
    batches = list(read_pairs(str(path), options or ReadOptions(), stats=stats, part=part))
    schema = with_kept(PAIRS, options.kept if options else ())
    assert all(batch.schema.equals(schema) for batch in batches)
    return [row for batch in batches for row in batch.to_pylist()], stats


def counted(stats: InputStats) -> dict[str, Any]:
    return {name: value for name, value in dataclasses.asdict(stats).items() if name not in ("seconds", "bytes_read")}


def reason(stats: InputStats, status: str) -> str:
    assert stats.status == status, stats
    return stats.error


@pytest.mark.parametrize("name", FORMS)
def test_all_forms_give_the_pairs_of_the_specification(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, ROWS)
    found, stats = read(path, ReadOptions(pool=OPTIONS, kept=KEPT))
    column = "txt" if name.endswith(".tar") else "text"
    rows = [{column: row["text"], **row} for row in ROWS]
    expected, account = oracle.read_pool(rows, str(path), texts=(column,), source_id="uid", keep=("score",))
    assert found == expected
    assert counted(stats) == account
    assert stats.bytes_read > 0
    assert stats.pairs == 4


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("has_ids", [True, False])
def test_pairs_without_urls_are_named(tmp_path: Path, name: str, has_ids: bool) -> None:
    given = [
        {"id": f"x/{n}", "text": f"text {n}", **({"url": f"https://a.example/{n}"} if n else {"url": ""})}
        for n in range(3)
    ]
    path = write(tmp_path / name, given)
    options = PoolOptions(no_url="mine", id_column="id" if has_ids else "")
    found, stats = read(path, ReadOptions(pool=options), FilePart(None, "a b/" + name))
    key = "000000" if name.endswith(".tar") else "0"
    named = "x%2F0" if has_ids else f"a%20b/{name}#{key}"
    assert [row["url"] for row in found] == [f"urn:pool:mine:{named}", "https://a.example/1", "https://a.example/2"]
    assert found[0]["uid"] == oracle.uid_of(found[0]["url"], "text 0")
    assert stats.dropped_bad_url == stats.dropped_not_http == 0


def test_several_columns_and_lists_of_texts(tmp_path: Path) -> None:
    rows: Rows = [
        {"url": "https://a.example/1", "alt": ["one", None, " two "], "title": "three"},
        {"url": "https://a.example/2", "alt": [], "title": ""},
        {"url": "https://a.example/3", "alt": None, "title": "one"},
        {"url": "https://a.example/4", "alt": ["four", "four"], "title": "four"},
    ]
    for name in ("p.parquet", "p.jsonl", "p.tar"):
        path = write(tmp_path / name, rows)
        found, stats = read(path, ReadOptions(pool=PoolOptions(text_column=("alt", "title"))))
        expected, account = oracle.read_pool(rows, str(path), texts=("alt", "title"))
        for row in expected:
            row["source_id"] = f"{int(row['url'][-1]) - 1:06d}" if name == "p.tar" else ""
        assert found == expected
        assert counted(stats) == account
        assert (stats.pairs, stats.duplicate_texts, stats.dropped_no_text) == (5, 2, 1)


def test_other_columns_are_found_by_their_options(tmp_path: Path) -> None:
    rows = [
        {"link": "https://a.example/1", "words": "x", "page": "https://p.example/", "l": "DE-at", "cc": "by", "n": 7}
    ]
    options = PoolOptions("link", ("words",), "n", (), "", "page", "l", "cc")
    for name in ("p.parquet", "p.jsonl", "p.tsv"):
        found, _ = read(write(tmp_path / name, rows), ReadOptions(pool=options))
        about = ("page_url", "page_lang", "license", "source_id")
        assert [found[0][column] for column in about] == ["https://p.example/", "de-at", "by", "7"]


@pytest.mark.parametrize("name", FORMS)
def test_missing_columns_are_named_with_those_that_there_are(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, [{"location": "https://a.example/1", "words": "x"}])
    _, stats = read(path)
    if name.endswith(".tar"):
        return  # its texts are files
    assert "no column of texts among location, words: name it with --text-column" in reason(stats, "failed")
    _, stats = read(path, ReadOptions(pool=PoolOptions(text_column=("words",))))
    assert "no column of URLs among location, words: name it with --url-column, or" in reason(stats, "failed")
    _, stats = read(path, ReadOptions(pool=PoolOptions(id_column="uid")))
    with pytest.raises(InputError, match="no column of texts"):
        list(read_pairs(str(path)))


def test_a_tar_without_captions_or_urls(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "p.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("a.jpg"))
    _, stats = read(tmp_path / "p.tar", ReadOptions(pool=PoolOptions(no_url="x")))
    assert "no column of texts among __key__: no sample has a .txt file" in reason(stats, "failed")
    (tmp_path / "p.tar").write_bytes(b"")
    assert "it is empty" in reason(read(tmp_path / "p.tar")[1], "failed")
    write(tmp_path / "p.tar", [{"text": "x"}])
    _, stats = read(tmp_path / "p.tar")
    assert "no column of URLs" in reason(stats, "failed")


def test_columns_of_other_types(tmp_path: Path) -> None:
    pq.write_table(pa.table({"url": [1, 2], "text": ["a", "b"]}), tmp_path / "p.parquet")
    _, stats = read(tmp_path / "p.parquet")
    assert "its column url has the type int64, and strings are needed" in reason(stats, "failed")
    assert (stats.records, stats.records_skipped, stats.image_links, stats.texts, stats.pairs) == (2, 2, 0, 0, 0)
    pq.write_table(pa.table({"url": ["https://a.example/1"], "text": pa.nulls(1)}), tmp_path / "p.parquet")
    _, stats = read(tmp_path / "p.parquet")
    assert (stats.status, stats.dropped_no_text) == ("ok", 1)
    (tmp_path / "p.jsonl").write_text('{"url": 5, "text": "a"}\n{"url": "https://a.example/1", "text": 5}\n')
    _, stats = read(tmp_path / "p.jsonl")
    assert (stats.dropped_bad_url, stats.dropped_no_text, stats.records_skipped) == (1, 1, 0)


@pytest.mark.parametrize(
    "kind",
    [pa.large_string(), pa.dictionary(pa.int32(), pa.string()), pa.binary(), pa.string_view(), pa.binary_view()],
)
def test_strings_of_other_representations(tmp_path: Path, kind: pa.DataType) -> None:
    is_bytes = "binary" in str(kind)
    urls = pa.array(["https://a.example/1", None, "https://a.example/1", "https://a.example/1"]).cast(kind)
    last = b"caf\xe9" if is_bytes else "y"
    texts = (
        pa.array([b"caf\xc3\xa9", b"x", last, last], kind) if is_bytes else pa.array(["café", "x", last, last], kind)
    )
    pq.write_table(pa.table({"url": urls, "text": texts}), tmp_path / "p.parquet")
    found, stats = read(tmp_path / "p.parquet")
    assert [row["text"] for row in found] == ["café", "caf\ufffd" if is_bytes else "y"]
    assert (stats.dropped_bad_url, stats.duplicate_texts) == (1, 1)


def test_bytes_that_are_no_utf8(tmp_path: Path) -> None:
    text = pa.StringArray.from_buffers(1, pa.py_buffer(b"\0\0\0\0\4\0\0\0"), pa.py_buffer(b"caf\xe9"))
    pq.write_table(pa.table({"url": ["https://a.example/1"], "text": text}), tmp_path / "p.parquet")
    (tmp_path / "p.jsonl").write_bytes(b'{"url": "https://a.example/1", "text": "caf\xe9"}\n')
    (tmp_path / "p.csv").write_bytes(b"\xef\xbb\xbfurl,text\r\nhttps://a.example/1,caf\xe9\r\n")
    for name in ("p.parquet", "p.jsonl", "p.csv"):
        assert [row["text"] for row in read(tmp_path / name)[0]] == ["caf\ufffd"]


def test_kept_bytes_that_are_no_utf8(tmp_path: Path) -> None:
    text = pa.StringArray.from_buffers(1, pa.py_buffer(b"\0\0\0\0\4\0\0\0"), pa.py_buffer(b"caf\xe9"))
    lists = pa.ListArray.from_arrays([0, 1], text)
    for column, kind in ((text, "string"), (text.view(pa.binary()), "string"), (lists, "list of string")):
        table = {"url": ["https://a.example/1"], "text": ["x"], "k": column}
        pq.write_table(pa.table(table), tmp_path / "p.parquet")
        options = ReadOptions(pool=PoolOptions(keep_columns=("k",)), kept=kept_columns(["k"], [kind]))
        found = read(tmp_path / "p.parquet", options)[0]
        assert [row["k"] for row in found] == ([["caf\ufffd"]] if kind == "list of string" else ["caf\ufffd"])


def test_a_kept_column_of_another_type(tmp_path: Path) -> None:
    rows = [{"url": "https://a.example/1", "text": "x", "score": "high"}]
    for name in ("p.parquet", "p.jsonl", "p.csv", "p.tar"):
        path = write(tmp_path / name, rows)
        _, stats = read(path, ReadOptions(pool=PoolOptions(keep_columns=("score",)), kept=KEPT))
        assert stats.status != "ok"
        assert "score" in stats.error
        assert "double" in stats.error


@pytest.mark.parametrize(
    ("kind", "value", "why"),
    [
        ("int64", 0.5, "0.5 isn't a whole number"),
        ("list of int64", [1, 0.5], "0.5 isn't a whole number"),
        ("int64", 2**70, "too large"),
        ("double", True, "true or false isn't a number"),
    ],
)
def test_values_that_a_type_would_change_are_refused(tmp_path: Path, kind: str, value: Any, why: str) -> None:
    options = ReadOptions(pool=PoolOptions(keep_columns=("k",)), kept=kept_columns(["k"], [kind]))

    def read_with(k: Any) -> tuple[Rows, InputStats]:
        return read(write(tmp_path / "p.jsonl", [{"url": "https://a.example/1", "text": "x", "k": k}]), options)

    assert read_with([2.0, 3] if kind.startswith("list") else 2)[1].status == "ok"
    found, stats = read_with(value)
    assert not found
    assert why in reason(stats, "failed")


def test_kept_columns_that_begin_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "BATCH_ROWS", 2)
    rows: Rows = [{"url": f"https://a.example/{n}", "text": "x"} | ({"score": 0.5} if n == 4 else {}) for n in range(5)]
    for name in ("p.jsonl", "p.tar"):
        options = ReadOptions(pool=PoolOptions(keep_columns=("score",)), kept=KEPT)
        assert [row["score"] for row in read(write(tmp_path / name, rows), options)[0]] == [*[None] * 4, 0.5]


def test_kept_columns_that_a_file_lacks_are_null(tmp_path: Path) -> None:
    path = write(tmp_path / "p.parquet", [{"url": "https://a.example/1", "text": "x"}])
    found, stats = read(path, ReadOptions(pool=PoolOptions(keep_columns=("score",)), kept=KEPT))
    assert stats.status == "ok"
    assert found[0]["score"] is None


def test_ids_that_pandas_made_numbers_with_fractions(tmp_path: Path) -> None:
    urls = [f"https://a.example/{n}" for n in range(3)]
    options = ReadOptions(pool=PoolOptions(id_column="id"))

    def read_with(ids: Any) -> tuple[list[str], InputStats]:
        pq.write_table(pa.table({"url": urls, "text": ["x"] * 3, "id": ids}), tmp_path / "p.parquet")
        found, stats = read(tmp_path / "p.parquet", options)
        return [row["source_id"] for row in found], stats

    assert read_with([1.0, None, float(2**53 - 1)])[0] == ["1", "", "9007199254740991"]
    lines = [{"url": url, "text": "x", "id": each} for url, each in zip(urls, [3.0, None, 0.5], strict=True)]
    assert [row["source_id"] for row in read(write(tmp_path / "p.jsonl", lines), options)[0]] == ["3", "", ""]
    assert read_with(pa.array([7, None, 8]).dictionary_encode())[0] == ["7", "", "8"]
    for wrong in (1.5, float(2**53), 1e300):
        found, stats = read_with([1.0, None, wrong])
        assert not found
        assert "its column of ids has the type double, and numbers that aren't whole" in reason(stats, "failed")
        assert (stats.records, stats.records_skipped, stats.image_links) == (3, 3, 0)


def test_a_column_whose_type_changes_costs_the_rows_that_follow(tmp_path: Path) -> None:
    rows = [{"url": f"https://a.example/{n}", "text": "x", "score": 1 if n < 17_000 else "high"} for n in range(17_001)]
    path = write(tmp_path / "p.jsonl", rows)
    found, stats = read(path, ReadOptions(pool=PoolOptions(keep_columns=("score",)), kept=KEPT))
    assert "score" in reason(stats, "partial")
    assert len(found) == stats.image_links == stats.records - stats.records_skipped == BATCH_ROWS


def test_json_that_python_writes(tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_text(
        '{"url": "https://a.example/1", "text": "one", "score": NaN}\n'
        '{"url": "https://a.example/2", "text": "two \\ud83d", "score": -Infinity}\n'
        '{"url": "https://a.example/3", "text": "three", "score": 0.5}\n'
    )
    found, stats = read(tmp_path / "p.jsonl", ReadOptions(pool=PoolOptions(keep_columns=("score",)), kept=KEPT))
    assert stats.status == "ok"
    assert [(row["text"], row["score"]) for row in found] == [("one", None), ("two \ufffd", None), ("three", 0.5)]


def test_a_table_without_the_names_of_its_columns(tmp_path: Path) -> None:
    (tmp_path / "p.tsv").write_text("https://a.example/1\ta cat\nhttps://a.example/2\ta dog\n")
    _, stats = read(tmp_path / "p.tsv")
    assert "its first line has no names of columns, but 'https://a.example/1'" in reason(stats, "failed")


def test_two_columns_of_one_name(tmp_path: Path) -> None:
    table = pa.table([["https://a.example/1"], ["x"], ["y"]], names=["url", "text", "text"])
    pq.write_table(table, tmp_path / "p.parquet")
    _, stats = read(tmp_path / "p.parquet")
    assert "it has 2 columns of the name text" in reason(stats, "failed")


def test_kept_columns_need_types(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="ReadOptions needs a field in kept for each of"):
        ReadOptions(pool=PoolOptions(keep_columns=("score",)))


def test_rows_that_img2dataset_could_not_fetch_are_skipped(tmp_path: Path) -> None:
    rows: Rows = [
        {"key": "0", "status": "success", "error_message": None, "url": "https://a.example/1", "caption": "a"},
        {
            "key": "1",
            "status": "failed_to_download",
            "error_message": "404",
            "url": "https://a.example/2",
            "caption": "b",
        },
        {"key": "2", "status": None, "error_message": None, "url": "https://a.example/3", "caption": "c"},
    ]
    for name in ("p.parquet", "p.jsonl"):
        found, stats = read(write(tmp_path / name, rows))
        assert [row["url"] for row in found] == ["https://a.example/1"]
        assert (stats.status, stats.records, stats.records_skipped, stats.image_links) == ("ok", 3, 2, 1)


def test_row_groups_are_read_apart(tmp_path: Path) -> None:
    path = write(tmp_path / "p.parquet", [{"text": f"text {n}"} for n in range(23)])
    options = ReadOptions(pool=PoolOptions(no_url="x"))
    whole, _ = read(path, options)
    parts = [read(path, options, FilePart(RowGroups(first, end))) for first, end in ((0, 2), (2, 4), (4, 5))]
    assert [row for rows, _ in parts for row in rows] == whole
    assert [stats.records for _, stats in parts] == [10, 10, 3]
    assert [row["url"] for row in whole][-1] == "urn:pool:x:p.parquet#22"


@pytest.mark.parametrize(("remembered", "numbers"), [(0, "113311"), (1, "131"), (3, "13"), (None, "13")])
def test_repeats_are_recognised_among_so_many_pairs(remembered: int | None, numbers: str) -> None:
    columns = find_columns(["url", "text"], PoolOptions())
    raw = [
        RawRows(pa.record_batch({"url": [f"https://a.example/{n}"] * 2, "text": ["x"] * 2}), columns, 0)
        for n in (1, 3, 1)
    ]
    stats = InputStats("p")
    pairs = list(PoolPairs(PoolFile("p"), stats, remembered).batches(iter(raw)))
    assert [url[-1] for batch in pairs for url in batch.column("url").to_pylist()] == list(numbers)
    assert (stats.pairs, stats.duplicate_texts) == (len(numbers), 6 - len(numbers))


# Damage


def test_a_parquet_file_that_ends_early(tmp_path: Path) -> None:
    path = write(tmp_path / "p.parquet", ROWS)
    path.write_bytes(path.read_bytes()[:-100])
    _, stats = read(path)
    assert "ends early" in reason(stats, "failed")


def test_a_damaged_row_group_costs_its_own_rows(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    rows = [{"url": f"https://a.example/{n}", "text": f"text {n}"} for n in range(15)]
    table = pa.Table.from_pylist(rows)
    pq.write_table(table, path, row_group_size=5, write_page_checksum=True, use_dictionary=False, compression="none")
    with pq.ParquetFile(path) as file:
        column = file.metadata.row_group(1).column(0)
        middle = column.data_page_offset + column.total_compressed_size // 2
    data = bytearray(path.read_bytes())
    data[middle] ^= 0xFF
    path.write_bytes(data)
    found, stats = read(path)
    assert [row["text"] for row in found] == [row["text"] for row in rows[:5] + rows[10:]]
    assert (stats.records, stats.records_skipped, stats.image_links) == (15, 5, 10)
    assert "row group 1" in reason(stats, "partial")


def test_lines_that_are_no_objects(tmp_path: Path) -> None:
    good = json.dumps({"url": "https://a.example/1", "text": "a"})
    (tmp_path / "p.jsonl").write_text(f"{good}\n{{broken\n[1]\n\n{good.replace('/1', '/2')}")
    found, stats = read(tmp_path / "p.jsonl")
    assert [row["url"][-1] for row in found] == ["1", "2"]
    assert (stats.records, stats.records_skipped, stats.image_links) == (4, 2, 2)
    assert "isn't a JSON object" in reason(stats, "partial")


def test_a_csv_with_broken_quotes_and_ragged_rows(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(
        "url,text\n"
        'https://a.example/1,"fine, with ""quotes"" and\na second line"\n'
        'https://a.example/2,"never closed\n'
        "https://a.example/3,plain\n"
        "https://a.example/4,too,many\n"
        "https://a.example/5\n"
        'https://a.example/6,5" wide\n'
        'https://a.example/7,"closed"early\n'
        "https://a.example/8,last"
    )
    found, stats = read(tmp_path / "p.csv")
    assert [(row["url"][-1], row["text"]) for row in found] == [
        *(("1", 'fine, with "quotes" and a second line'), ("3", "plain"), ("6", '5" wide'), ("8", "last"))
    ]
    assert (stats.records, stats.records_skipped, stats.image_links) == (8, 4, 4)
    assert "hasn't 2 fields, or has a quote that nothing closes" in reason(stats, "partial")


def test_quotes_in_a_tsv_may_mean_nothing(tmp_path: Path) -> None:
    (tmp_path / "p.tsv").write_text('url\ttext\nhttps://a.example/1\t"open\nhttps://a.example/2\t"a" b\n')
    found, stats = read(tmp_path / "p.tsv")
    assert [row["text"] for row in found] == ['"open', '"a" b']
    assert stats.status == "ok"


def test_a_gzip_member_that_is_damaged_or_cut(tmp_path: Path) -> None:
    lines = [json.dumps({"url": f"https://a.example/{n}", "text": f"text {n}"}) + "\n" for n in range(4000)]
    data = gzip.compress("".join(lines).encode())
    (tmp_path / "p.jsonl.gz").write_bytes(data[: len(data) // 2])
    found, stats = read(tmp_path / "p.jsonl.gz")
    assert 1000 < len(found) < 3000
    assert [row["text"] for row in found] == [f"text {n}" for n in range(len(found))]
    assert "breaks off inside a gzip member" in reason(stats, "partial")


def test_a_line_that_is_too_long_is_passed_over(tmp_path: Path) -> None:
    rows = [{"url": f"https://a.example/{n}", "text": "x" * (3_000_000 if n == 1 else 10)} for n in range(3)]
    path = write(tmp_path / "p.jsonl", rows)
    found, stats = read(path, ReadOptions(max_record_bytes=100_000))
    assert [row["url"][-1] for row in found] == ["0", "2"]
    assert stats.records_skipped == 1
    assert "a line of more than 100,000 bytes" in reason(stats, "partial")


def test_a_tar_that_breaks_off_keeps_its_first_samples(tmp_path: Path) -> None:
    rows = [{"url": f"https://a.example/{n}", "text": f"text {n}"} for n in range(20)]
    path = write(tmp_path / "p.tar", rows)
    data = path.read_bytes()
    path.write_bytes(data[: 10 * (3 * 1024) + 700])
    found, stats = read(path)
    assert [row["text"] for row in found] == [f"text {n}" for n in range(10)]
    assert "breaks off" in reason(stats, "partial")


def test_a_damaged_header_of_a_tar_costs_one_sample(tmp_path: Path) -> None:
    path = write(tmp_path / "p.tar", [{"url": f"https://a.example/{n}", "text": f"text {n}"} for n in range(9)])
    data = bytearray(path.read_bytes())
    data[4 * 3 * 1024 + 1024 + 10] ^= 0xFF  # in the name of the fifth sample's .json
    path.write_bytes(data)
    found, stats = read(path)
    assert [row["text"] for row in found] == [f"text {n}" for n in range(9) if n != 4]
    assert "a header of the archive is damaged" in reason(stats, "partial")


def test_damaged_json_in_a_tar(tmp_path: Path) -> None:
    path = write(tmp_path / "p.tar", [{"url": f"https://a.example/{n}", "text": f"text {n}"} for n in range(3)])
    path.write_bytes(path.read_bytes().replace(b'{"url": "https://a.example/1"}', b'{"url": "https://a.example/1",'))
    found, stats = read(path)
    assert [row["url"][-1] for row in found] == ["0", "2"]
    assert stats.records_skipped == 1
    assert "the .json file of 000001 isn't a JSON object" in reason(stats, "partial")


@pytest.mark.parametrize("name", ["p.jsonl", "p.csv", "p.tar", "p.parquet", "p.tsv.gz"])
def test_files_that_are_something_else(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x89PNG\r\n" + bytes(range(256)) * 20)
    found, stats = read(tmp_path / name)
    assert not found
    assert stats.status in ("failed", "partial")
    assert stats.error


def test_forms_are_told_by_their_first_bytes(tmp_path: Path) -> None:
    for name in ("p.parquet", "p.tar", "p.jsonl"):
        renamed = write(tmp_path / name, ROWS).rename(tmp_path / "part-0")
        assert read(renamed)[1].pairs == 4


def test_an_empty_file_is_told_from_one_without_rows(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("url,text\n")
    assert read(tmp_path / "p.csv")[1].status == "ok"
    (tmp_path / "p.tar").write_bytes(bytes(1024))
    assert read(tmp_path / "p.tar")[1].status == "ok"
    (tmp_path / "p.jsonl").write_bytes(b"")
    assert "empty" in reason(read(tmp_path / "p.jsonl")[1], "failed")


@pytest.mark.parametrize("name", FORMS)
def test_a_missing_file_fails(tmp_path: Path, name: str) -> None:
    assert "No such file" in reason(read(tmp_path / name)[1], "failed")
