"""From a run to shards through img2dataset, whatever servers answer, and on to rebalancing and training."""

from __future__ import annotations

import importlib.util
import io
import json
import re
import shutil
import tarfile
from collections import Counter
from collections.abc import Iterator
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageStat

from metaclip_curate.cli import main
from metaclip_curate.trainer import CuratedPairs
from tests.support import downloads, served_run
from tests.support.ranks import preloaded_forkserver
from tests.support.servers.faulty_http import FaultyHTTPServer

Rows = list[dict[str, Any]]
MOST_BYTES = served_run.HUGE - 1
FETCHED = {"ok", "moved", "small", "transparent"}
REASONS = {
    "missing": "HTTP Error 404: Not Found",
    "slow": "timed out",
    "cut off": "the answer ends early",
    "huge": f"more than {MOST_BYTES} bytes (see --max-image-bytes)",
    "html": "decoding error",
    "truncated": "decoding error",
    "noai": "Use of image disallowed by X-Robots-Tag directive",
    "noai among others": "Use of image disallowed by X-Robots-Tag directive",
    "reserved": "Use of image disallowed by X-Robots-Tag directive",
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, Rows], FaultyHTTPServer]]:
    root = tmp_path_factory.mktemp("served") / "run"
    with FaultyHTTPServer() as server, pytest.MonkeyPatch.context() as patch:
        for name in ("no_proxy", "NO_PROXY"):
            patch.setenv(name, "127.0.0.1,localhost")
        yield root, served_run.write_run(root, server, images=60), server


@pytest.fixture(scope="module")
def downloaded(
    tmp_path_factory: pytest.TempPathFactory, served: tuple[Path, dict[str, Rows], FaultyHTTPServer]
) -> tuple[Path, str]:
    """The folder of a download, and what the command printed."""
    folder = tmp_path_factory.mktemp("downloaded") / "images"
    with pytest.MonkeyPatch.context() as patch:
        printed: list[str] = []
        patch.setattr("builtins.print", lambda *given, **_: printed.append(" ".join(map(str, given))))
        assert main(command(served[0], folder)) == 0
    return folder, "\n".join(printed)


def command(run: Path, folder: Path, *more: str) -> list[str]:
    given = {"--samples-per-shard": "50", "--processes": "1", "--threads": "8", "--timeout": "4"}
    given |= {"--retries": "0", "--image-size": "24", "--max-image-bytes": str(MOST_BYTES)}
    given |= dict(zip(more[::2], more[1::2], strict=True))
    words = [word for pair in given.items() for word in pair]
    return ["download", "--run", str(run), "--output", str(folder), "--allow-private-addresses", *words]


def fork_img2dataset(patch: pytest.MonkeyPatch) -> None:
    """Lets img2dataset fork its processes, which would each import PyTorch; their output isn't captured."""
    import img2dataset.distributor
    import img2dataset.logger

    context = preloaded_forkserver()
    patch.setattr(img2dataset.distributor, "get_context", lambda method: context)
    patch.setattr(img2dataset.logger.LoggerProcess, "_start_method", "forkserver")
    patch.setattr(img2dataset.logger.LoggerProcess, "_Popen", staticmethod(ForkServerProcess._Popen))


def test_every_row_has_its_outcome(
    served: tuple[Path, dict[str, Rows], FaultyHTTPServer], downloaded: tuple[Path, str]
) -> None:
    manifest = {row["uid"]: row for row in served[1]["manifest"]}
    rows: Rows = pa.concat_tables(map(pq.read_table, sorted(downloaded[0].glob("*.parquet")))).to_pylist()
    assert sorted(row["uid"] for row in rows) == sorted(manifest)
    for row in rows:
        way = served_run.way_of(row["url"])
        assert (row["status"] == "success") == (way in FETCHED), (way, row["error_message"])
        assert REASONS.get(way, "") in (row["error_message"] or "")
        expected = manifest[row["uid"]]
        assert row["caption"] == expected["text"]
        for name in ("image_id", "lang", "metadata_lang", "entry_ids", "keep_probability"):
            assert row[name] == expected[name]
    printed = downloaded[1]
    counts = Counter(served_run.way_of(row["url"]) for row in manifest.values())
    fetched = sum(counts[way] for way in FETCHED)
    assert re.search(rf"^  fetched +{fetched} +{fetched / len(manifest):.1%}$", printed, re.MULTILINE)
    assert re.search(rf"^  HTTP Error 404: Not Found +{counts['missing']} ", printed, re.MULTILINE)
    assert re.search(rf"^  the answer ends early +{counts['cut off']} ", printed, re.MULTILINE)


def test_private_addresses_are_not_asked(
    served: tuple[Path, dict[str, Rows], FaultyHTTPServer],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fork_img2dataset(monkeypatch)
    asked = len(served[2].requests)
    given = [word for word in command(served[0], tmp_path) if word != "--allow-private-addresses"]
    assert main(given) == 0
    assert len(served[2].requests) == asked
    rows, printed = len(served[1]["manifest"]), capsys.readouterr().out
    assert re.search(rf"^  private address \(see --allow-private-addresses\) +{rows} +100", printed, re.MULTILINE)


def test_the_shards_are_what_open_clip_reads(
    served: tuple[Path, dict[str, Rows], FaultyHTTPServer], downloaded: tuple[Path, str]
) -> None:
    folder = downloaded[0]
    texts = {row["uid"]: row["text"] for row in served[1]["manifest"]}
    sizes = json.loads((folder / "sizes.json").read_text())
    assert sorted(sizes) == [path.name for path in sorted(folder.glob("*.tar"))]
    for name, size in sizes.items():
        with tarfile.open(folder / name) as tar:
            members = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
        keys = {name.partition(".")[0] for name in members}
        assert len(keys) == size
        for key in keys:
            about = json.loads(members[f"{key}.json"])
            assert members[f"{key}.txt"].decode("utf-8") == texts[about["uid"]]
            image = Image.open(io.BytesIO(members[f"{key}.jpg"]))
            # The shorter side is resized to 24 pixels; what is smaller stays as it is.
            assert image.size == ((12, 9) if served_run.way_of(about["url"]) == "small" else (36, 24))


def test_boxes_are_blurred_in_a_second_download(
    served: tuple[Path, dict[str, Rows], FaultyHTTPServer],
    downloaded: tuple[Path, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fork_img2dataset(monkeypatch)
    whole = [row["uid"] for row in served[1]["manifest"] if served_run.way_of(row["url"]) in ("ok", "moved")]
    with_box = whole[::2]
    pq.write_table(pa.table({"uid": with_box[:1], "boxes": [[[0.0, 0.0, 20.0, 20.0]]]}), tmp_path / "boxes")
    assert main(command(served[0], tmp_path / "images", "--faces", str(tmp_path / "boxes"))) == 2
    pq.write_table(pa.table({"uid": with_box, "boxes": [[[0.0, 0.0, 1.0, 1.0]]] * len(with_box)}), tmp_path / "boxes")
    assert main(command(served[0], tmp_path / "images", "--faces", str(tmp_path / "boxes"))) == 0
    before, after = contrasts(downloaded[0]), contrasts(tmp_path / "images")
    assert before.keys() == after.keys()
    for uid in whole:
        assert (after[uid] < before[uid] / 2) == (uid in with_box)
    (tmp_path / "boxes").unlink()
    assert main(command(served[0], tmp_path / "images", "--faces", str(tmp_path / "boxes"))) == 2


def contrasts(folder: Path) -> dict[str, float]:
    """How much the pixels of each image vary, by the uid of its pair."""
    found = {}
    for path in folder.glob("*.tar"):
        with tarfile.open(path) as tar:
            members = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
        for name, data in members.items():
            if name.endswith(".jpg"):
                uid = json.loads(members[name.replace(".jpg", ".json")])["uid"]
                found[uid] = float(ImageStat.Stat(Image.open(io.BytesIO(data)).convert("L")).stddev[0])
    return found


def test_the_same_command_goes_on(
    served: tuple[Path, dict[str, Rows], FaultyHTTPServer],
    downloaded: tuple[Path, str],
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, asked = downloaded[0], len(served[2].requests)
    before = {path.name: path.read_bytes() for path in folder.glob("*.*")}
    # As after a run that died in its second shard.
    (folder / "00001_stats.json").unlink()
    (folder / "00001.tar").write_bytes(b"cut off")
    rows = pq.read_metadata(folder / "00001.parquet").num_rows
    assert main([*command(served[0], folder), "--json"]) == 0
    # img2dataset prints about each shard, and so do its processes.
    out, errors = capfd.readouterr()
    assert json.loads(out)["rows"] == len(served[1]["manifest"])
    assert "1 of" in errors
    assert "total   - success" in errors
    assert 0 < len(served[2].requests) - asked <= 2 * rows
    assert (folder / "sizes.json").read_bytes() == before["sizes.json"]
    assert (folder / "00000.tar").read_bytes() == before["00000.tar"]
    asked = len(served[2].requests)
    fork_img2dataset(monkeypatch)
    assert main(command(served[0], folder)) == 0
    assert len(served[2].requests) == asked


def test_its_pairs_are_read(
    served: tuple[Path, dict[str, Rows], FaultyHTTPServer], downloaded: tuple[Path, str]
) -> None:
    expected = {row["uid"]: row for row in served[1]["manifest"] if served_run.way_of(row["url"]) in FETCHED}
    pairs = {pair.uid: pair for pair in CuratedPairs.offline(str(downloaded[0]))}
    assert set(pairs) == set(expected)
    for uid, pair in pairs.items():
        assert (pair.text, pair.language) == (expected[uid]["text"], expected[uid]["metadata_lang"])


def test_it_has_what_rebalancing_reads(downloaded: tuple[Path, str]) -> None:
    schema = pq.read_schema(downloaded[0] / "00000.parquet")
    for column in downloads.SCHEMA:
        assert schema.field(column.name).type == column.type


@pytest.mark.skipif(importlib.util.find_spec("pyspark") is None, reason="rebalancing needs Spark")
def test_it_is_rebalanced(
    served: tuple[Path, dict[str, Rows], FaultyHTTPServer],
    downloaded: tuple[Path, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = ["--run", str(served[0]), "--downloaded", str(downloaded[0]), "--output", str(tmp_path / "again")]
    assert main(["rebalance", *given, "--t", "5"]) == 0
    assert "failed to download" in capsys.readouterr().out
    rows: Rows = pq.read_table(tmp_path / "again" / "manifest").to_pylist()
    assert 0 < len(rows) < len(served[1]["manifest"])
    assert {served_run.way_of(row["url"]) for row in rows} <= FETCHED


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--image-size", "32"), "was begun with --image-size 24, and the command says 32"),
        (("--table", "matched"), "another state of"),
        (("--timeout", "0"), "--timeout must be at least 1"),
        (("--quality", "101"), "--quality must be at most 100"),
        (("--max-image-bytes", "0"), "--max-image-bytes must be at least 1, not 0"),
        (("--max-image-bytes", "2147483648"), "--max-image-bytes must be at most 2147483647, not 2147483648"),
        (("--image-timeout", "86401"), "--image-timeout must be at most 86400"),
        (("--timeout", "86401"), "--timeout must be at most 86400"),
        (("--max-image-bytes", "5000"), "was begun with --max-image-bytes 49999, and the command says 5000"),
        (("--run", "nowhere"), "holds no run"),
        (("--output", "nobody://knows"), "img2dataset can't reach nobody://knows"),
        (("--output", "images[1]"), "img2dataset takes images[1] for a pattern"),
    ],
)
def test_mistakes(
    served: tuple[Path, dict[str, Rows], FaultyHTTPServer],
    downloaded: tuple[Path, str],
    capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...],
    message: str,
) -> None:
    assert main(command(served[0], downloaded[0], *more)) == 2
    assert message in capsys.readouterr().err


def test_damaged_files_are_named(
    served: tuple[Path, dict[str, Rows], FaultyHTTPServer],
    downloaded: tuple[Path, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(served[0], tmp_path / "run")
    part = next((tmp_path / "run" / "manifest").glob("*.parquet"))
    part.write_bytes(part.read_bytes()[:-50])
    assert main(command(tmp_path / "run", tmp_path / "images")) == 2
    printed = capsys.readouterr().err
    assert f"{part.name} has " in printed
    assert "were written: put a whole copy in its place, or" in printed
    shutil.copytree(downloaded[0], tmp_path / "cut")
    (tmp_path / "cut" / "00000_stats.json").write_text("{")
    assert main(command(served[0], tmp_path / "cut")) == 2
    assert "00000_stats.json is damaged: remove it" in capsys.readouterr().err
    (tmp_path / "cut" / "_download" / "source.json").write_text("[]")
    assert main(command(served[0], tmp_path / "cut")) == 2
    assert "source.json is damaged: give another --output" in capsys.readouterr().err
