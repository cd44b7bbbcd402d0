"""Folders of host policies, from WARCs of robots.txt to the screen that reads them."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from metaclip_curate.cli import main
from metaclip_curate.errors import UserError
from metaclip_curate.pipelines.policies import archive_files
from metaclip_curate.screens.host_policies import read_host_policies
from metaclip_curate.screens.host_table import string_hashes
from metaclip_curate.storage import StorageOptions

ALL, NONE = "User-agent: *\nDisallow: /\n", "User-agent: *\nAllow: /\n"


def record(url: str, text: str, status: str = "200 OK") -> bytes:
    block = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\n\r\n{text}".encode()
    head = f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nContent-Length: {len(block)}\r\n\r\n"
    return gzip.compress(head.encode() + block + b"\r\n\r\n")


def test_a_folder_has_the_hosts_that_forbid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = [
        record("https://all.org/robots.txt", ALL),
        record("http://GPT.org:80/robots.txt", "User-agent: GPTBot\nDisallow: /\n"),
        record("https://gpt.org/robots.txt", NONE),
        record("https://none.org/robots.txt", NONE),
        record("https://gone.org/robots.txt", ALL, "404 Not Found"),
        record("https://page.org/about/robots.txt", ALL),
        record("https://ai.org/ai.txt", ALL),
        record("https://ai.org/robots.txt", NONE),
    ]
    (tmp_path / "a.warc.gz").write_bytes(b"".join(records))
    (tmp_path / "b.warc.gz").write_bytes(record("https://signal.org/robots.txt", "Content-Signal: ai-train=no"))
    given = ["policies", "build", "--input", str(tmp_path / "a.warc.gz"), str(tmp_path / "b.warc.gz")]
    assert main([*given, "--output", str(tmp_path / "policies"), "--json"]) == 0
    built = json.loads(capsys.readouterr().out)
    assert built == {
        **{"inputs": 2, "failed": {}, "files": 7, "hosts": 4},
        "rules": {
            "robots.txt: CCBot": 1,
            "robots.txt: GPTBot": 1,
            "Content-Signal: ai-train=no": 1,
            "ai.txt": 1,
        },
    }
    read = read_host_policies(str(tmp_path / "policies"), StorageOptions())
    hosts = ["all.org", "gpt.org", "signal.org", "ai.org", "none.org", "gone.org", "page.org"]
    found = read.table.find(string_hashes(pa.array(hosts))).tolist()
    assert [read.rules[number] if number >= 0 else "" for number in found] == [
        *("robots.txt: CCBot", "robots.txt: GPTBot", "Content-Signal: ai-train=no", "ai.txt"),
        *("", "", ""),
    ]
    about = json.loads((tmp_path / "policies" / "policies.json").read_text())
    assert about["agents"] == ["CCBot", "GPTBot", "Google-Extended", "img2dataset"]


def test_a_crawls_archive(tmp_path: Path) -> None:
    listing = tmp_path / "crawl-data" / "CC-MAIN-2025-30" / "robotstxt.paths.gz"
    listing.parent.mkdir(parents=True)
    listing.write_bytes(gzip.compress(b"crawl-data/a.warc.gz\ncrawl-data/b.warc.gz\n"))
    options = StorageOptions(cc_base=str(tmp_path))
    assert [*archive_files(["cc-robots:CC-MAIN-2025-30", "x"], options)] == [
        *("crawl-data/a.warc.gz", "crawl-data/b.warc.gz", "x")
    ]
    assert [*archive_files(["cc-robots:CC-MAIN-2025-30:1"], options)] == ["crawl-data/a.warc.gz"]
    for spec, message in {"cc-robots:": "names no crawl", "cc-robots:CC-MAIN-1990-01": "has no list of robots"}.items():
        with pytest.raises(UserError, match=message):
            list(archive_files([spec], options))


@pytest.mark.parametrize(
    ("content", "message"), [(b"no WARC", "no robots.txt was found in 1 files"), (None, "no robots.txt was found")]
)
def test_inputs_without_robots_txt_are_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, message: str
) -> None:
    path = tmp_path / "x.warc"
    if content is not None:
        path.write_bytes(content)
    assert main(["policies", "build", "--input", str(path), "--output", str(tmp_path / "policies")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "policies").exists()


def test_what_is_left_of_a_damaged_archive_counts_and_the_damage_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = [record(f"https://{number}.org/robots.txt", ALL) for number in range(4)]
    data = b"".join(records)
    (tmp_path / "torn.warc.gz").write_bytes(data[: len(records[0]) + len(records[1]) + 40])
    (tmp_path / "empty.warc.gz").write_bytes(b"")
    (tmp_path / "whole.warc.gz").write_bytes(records[3])
    names = [str(tmp_path / f"{name}.warc.gz") for name in ("torn", "empty", "whole", "gone")]
    assert main(["policies", "build", "--input", *names, "--output", str(tmp_path / "policies"), "--json"]) == 0
    printed = capsys.readouterr()
    built = json.loads(printed.out)
    assert (built["files"], built["hosts"]) == (3, 3)
    assert list(built["failed"]) == [names[0], names[1], names[3]]
    assert f"{names[0]} was read in part only (" in printed.err
    assert f"{names[1]} can't be read (an empty file)" in printed.err
    assert "policies: 2 of 4 files read, 3 hosts forbid" in printed.err.splitlines()[-1]
    assert json.loads((tmp_path / "policies" / "policies.json").read_text())["failed"] == built["failed"]


def test_of_a_long_file_the_beginning_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    comments = "# a line\n" * 150_000
    cut = "User-agent: *\n" + "# filled\n" * ((1 << 20) // 9 - 3)
    cut += "#" * ((1 << 20) - len(cut) - len("\nDisallow: /")) + "\nDisallow: /private\n"
    assert cut[: 1 << 20].endswith("\nDisallow: /")
    (tmp_path / "a.warc.gz").write_bytes(
        record("https://forbids.org/robots.txt", ALL + comments) + record("https://allows.org/robots.txt", cut)
    )
    words = ["policies", "build", "--input", str(tmp_path / "a.warc.gz"), "--output", str(tmp_path / "policies")]
    assert main([*words, "--json"]) == 0
    built = json.loads(capsys.readouterr().out)
    assert (built["files"], built["failed"], built["hosts"]) == (2, {}, 1)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert main(["policies", "build", "--input", "x.warc", "--output", str(tmp_path)]) == 2
    assert "has files of something else: name another folder" in capsys.readouterr().err


def test_files_that_a_build_did_not_write_are_not_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.warc.gz").write_bytes(record("https://all.org/robots.txt", ALL))
    output = tmp_path / "policies"
    words = ["policies", "build", "--input", str(tmp_path / "a.warc.gz"), "--output", str(output)]
    assert main(words) == 0
    whole = {path.name: path.read_bytes() for path in output.iterdir()}
    (output / "README.md").write_text("a note beside them")
    assert main(words) == 0
    assert whole == {path.name: path.read_bytes() for path in output.iterdir() if path.name != "README.md"}
    for mine in (
        {"hosts.parquet": b"mine"},
        {"policies.json": b"{}"},
        {"hosts.parquet": b"mine", "policies.json": b'{"kind": "mine"}', "other.txt": b"mine"},
        whole | {"hosts.parquet": b"mine"},
        {"policies.json": whole["policies.json"]},
    ):
        shutil.rmtree(output)
        output.mkdir()
        for name, data in mine.items():
            (output / name).write_bytes(data)
        capsys.readouterr()
        assert main(words) == 2
        assert "isn't as `metaclip-curate policies build` wrote it: name another folder" in capsys.readouterr().err
        assert {path.name: path.read_bytes() for path in output.iterdir()} == mine
