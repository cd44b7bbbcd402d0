"""What is wrong with a list, a model or a folder that screens look up is one sentence, before a session starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from metaclip_curate.cli import main
from metaclip_curate.images.fingerprint_download import fingerprint_download
from metaclip_curate.options.images import FingerprintOptions
from metaclip_curate.storage import StorageOptions
from tests.conftest import ROOT
from tests.support import made_run
from tests.support.onnx_models import write_model
from tests.support.pictures import encoded, picture, write_download


def failure(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Gives a command that must end with one sentence, and returns it."""
    capsys.readouterr()
    assert main(words) == 2
    printed = capsys.readouterr().err
    assert "Traceback" not in printed
    return [line for line in printed.splitlines() if line.startswith("metaclip-curate: ")][-1]


@pytest.mark.parametrize(
    ("option", "content", "message"),
    [
        (
            "--host-list @list",
            b"good.org\nhttp://bad.org/page\n",
            "@list:2 has 'http://bad.org/page', which is no host",
        ),
        ("--host-list @list", b"good.org\n0.0.0.0 a b!\n", "@list:2 has '0.0.0.0 a b!', which is no host"),
        ("--host-list @list", b"\xff\xfe", "@list:1 isn't UTF-8: save the list as UTF-8 with a host a line"),
        ("--host-list @list", b"\x1f\x8b\x08torn", "@list"),
        ("--host-list @list.gone", b"", "@list.gone can't be read"),
        ("--word-list en=@list", b"word\n...\n", "@list:2 has only marks (...): write a word or a phrase a line"),
        (
            "--word-list en=@list",
            b"a\n" + b"x" * 300,
            "@list:2 has 300 characters: write a word a line, of at most 256",
        ),
        ("--word-list en=@list", b"\xff", "@list:1 isn't UTF-8"),
        ("--word-list @list", b"word", "isn't LANG=FILE"),
        ("--word-list xx=@list", b"word", "no label counts as xx"),
        ("--host-policies @list", b"x", "has no hosts.parquet"),
        ("--licenses by,cc", b"", "--licenses has no licence cc: give some of by, by-sa,"),
        ("--min-characters 9 --max-characters 3", b"", "--min-characters 9 is more than --max-characters 3"),
        ("--where punsafe<", b"", "--where 'punsafe<' can't be read"),
    ],
)
def test_screens_of_pairs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, content: bytes, message: str
) -> None:
    lists, file = tmp_path / "lists", tmp_path / "list.txt"
    lists.mkdir()
    (lists / "en.txt").write_text("cat\n")
    file.write_bytes(content)
    given = [word.replace("@list", str(file)) for word in option.split()]
    folders = ["--metadata", str(lists), "--output", str(tmp_path / "out")]
    printed = failure(capsys, "run", "--input", str(ROOT / "examples" / "wat"), *folders, *given)
    assert message.replace("@list", str(file)) in printed
    assert not (tmp_path / "out" / "pairs").exists()


@pytest.fixture(scope="module")
def download(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run, and a download whose images have fingerprints."""
    folder = tmp_path_factory.mktemp("download")
    manifest = made_run.write_run(folder / "run", made_run.matched_rows(images=3, seed=3), t=10**6)["manifest"]
    write_download(folder / "images", [(row, encoded(picture(1))) for row in manifest])
    fingerprint_download(FingerprintOptions(str(folder / "images")), StorageOptions(), lambda line: None)
    return folder


@pytest.mark.parametrize(
    ("option", "content", "message"),
    [
        (
            "--image-list sha256=@list",
            b"0" * 64 + b"\n" + b"0" * 63,
            "@list:2 has '" + "0" * 63 + "', of 63 characters, which is no sha256 hash: write 64 hex digits",
        ),
        ("--image-list md5=@list", b"0" * 64, "of 64 characters, which is no md5 hash: write 32 hex digits"),
        ("--image-list pdq=@list", b"no hash", "@list:1 has 'no', which is no pdq hash"),
        ("--image-list pdq:40=@list", b"", "has a distance that isn't a number from 0 to 31"),
        ("--image-list @list", b"", "doesn't say what its hashes are: write sha256=FILE"),
        ("--image-list sha256=@list.gone", b"", "@list.gone can't be read"),
        ("--near-duplicates 32", b"", "--near-duplicates must be at most 31, not 32"),
        ("--benchmark FOLDER", b"", "has no images (.jpg, .jpeg, .png"),
        ("--benchmark FOLDER", b"<html>", "has no image that can be decoded, such as a.jpg (no image format"),
        ("--classifier @list --label 0 --above 0.5", b"no model", "@list can't be loaded as an ONNX model"),
        ("--classifier MODEL --label unsafe --above 0.5", b"", "MODEL, which names none: give a position from 0"),
        ("--classifier GREY --label 0 --above 0.5", b"", "GREY has the inputs image tensor(float) "),
        ("--classifier MODEL", b"", "--classifier needs --label and --above"),
        ("--label unsafe --above 0.5", b"", "--label and --above are of a --classifier: name its ONNX file"),
        ("--min-side 64 --fingerprints a b", b"", "--fingerprints names 2 folders and --downloaded 1"),
    ],
)
def test_screens_of_images(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], download: Path, option: str, content: bytes, message: str
) -> None:
    named = {"@list": tmp_path / "list.txt", "FOLDER": tmp_path / "val"}
    named["@list"].write_bytes(content)
    named["FOLDER"].mkdir()
    if content:
        (named["FOLDER"] / "a.jpg").write_bytes(content)
    for name, shape in (("MODEL", ("n", 3, 8, 8)), ("GREY", ("n", 1, 8, 8))):
        named[name] = Path(write_model(tmp_path / f"{name}.onnx", shape))

    def located(text: str) -> str:
        for name, path in named.items():
            text = text.replace(name, str(path))
        return text

    folders = ["--run", str(download / "run"), "--downloaded", str(download / "images")]
    given = located(option).split()
    assert located(message) in failure(capsys, "rebalance", *folders, "--output", str(tmp_path / "new"), *given)
    assert not (tmp_path / "new").exists()


def test_images_without_fingerprints(tmp_path: Path, capsys: pytest.CaptureFixture[str], download: Path) -> None:
    write_download(tmp_path / "images", [(row, encoded(picture(1))) for row in made_run.matched_rows(1, 3)])
    folders = ["--run", str(download / "run"), "--downloaded", str(tmp_path / "images")]
    printed = failure(capsys, "rebalance", *folders, "--output", str(tmp_path / "new"), "--min-side", "64")
    assert f"run `metaclip-curate images fingerprint --downloaded {tmp_path / 'images'}`" in printed


@pytest.mark.parametrize(
    ("option", "content", "message"),
    [
        ("--url", "https://a.org/1.jpg\nno url\n", ":2 has 'no url': a URL begins with http:// or https://"),
        ("--uid", "0" * 31, "has '" + "0" * 31 + "': a uid has 32 hex digits"),
        ("--image-id", "x", "an image id has 24 hex digits"),
        ("--host", "a.org/x", "which is no host"),
        ("--host", "# none", "names nothing to remove: write what --host removes, one a line"),
    ],
)
def test_what_is_removed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], download: Path, option: str, content: str, message: str
) -> None:
    (tmp_path / "list").write_text(content)
    words = ["remove", "--run", str(download / "run"), option, str(tmp_path / "list"), "--reason", "asked for"]
    assert message in failure(capsys, *words)
    assert not (download / "run" / "removed").exists()


def test_what_is_no_archive_of_robots_txt(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build = ("policies", "build", "--output", str(tmp_path / "policies"), "--input")
    assert "names no crawl: write cc-robots:CC-MAIN-2025-30" in failure(capsys, *build, "cc-robots:")
    (tmp_path / "no.warc.gz").write_bytes(b"<html>")
    assert "no robots.txt was found in 1 files" in failure(capsys, *build, str(tmp_path / "no.warc.gz"))
