"""Lists made elsewhere, and what `show` says of a folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from metaclip_curate.cli import main
from metaclip_curate.metadata.lists.folder import MetadataFolder
from tests.support.servers.faulty_http import FaultyHTTPServer


def written(path: Path, entries: object) -> str:
    path.write_text(json.dumps(entries), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("entries", "given", "name"),
    [
        (["the", "St. Louis", "", "the", "\u2028狗"], [], "en.txt.zst"),
        (["a\nb", "c"], [], "en.json"),
        (["a"], ["--format", "json"], "en.json"),
        (["der"], ["--language", "de"], "de.txt.zst"),
    ],
)
def test_ids_stay(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], entries: list[str], given: list[str], name: str
) -> None:
    file, folder = written(tmp_path / "metadata.json", entries), tmp_path / "m"
    assert main(["metadata", "import", file, "--output", str(folder), *given]) == 0
    assert name in capsys.readouterr().out
    read = MetadataFolder.open(folder)
    assert {path.name for path in folder.iterdir()} == {name, "sources.json"}
    assert read.entries(name.partition(".")[0]) == entries
    sources = json.loads((folder / "sources.json").read_text())
    assert sources["languages"][name.partition(".")[0]]["sha256"] == read.digest(name.partition(".")[0])
    before = (folder / name).read_bytes()
    assert main(["metadata", "import", file, "--output", str(folder), *given]) == 0
    assert (folder / name).read_bytes() == before


@pytest.mark.parametrize(
    ("content", "given", "part"),
    [
        ('{"a": 1}', [], "must be a JSON list of strings"),
        ('["a", 1]', [], "a number at position 1"),
        ("[]", [], "has no entry"),
        ('["a\\nb"]', ["--format", "txt.zst"], "--format json"),
        ('["a"]', ["--language", "xx"], "no Wikipedia with the code xx"),
    ],
)
def test_what_is_no_list(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, given: list[str], part: str
) -> None:
    (tmp_path / "metadata.json").write_text(content)
    file, folder = str(tmp_path / "metadata.json"), tmp_path / "m"
    assert main(["metadata", "import", file, "--output", str(folder), *given]) == 2
    assert part in capsys.readouterr().err
    assert not folder.exists()


def test_a_list_that_its_server_does_not_have(
    faulty_http: FaultyHTTPServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"{faulty_http.url}/metadata.json"
    assert main(["metadata", "import", url, "--output", str(tmp_path / "m")]) == 2
    assert capsys.readouterr().err.strip().endswith("; check the URL, or try again later.")
    assert not (tmp_path / "m").exists()


def test_another_list_of_the_language_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "m"
    file = written(tmp_path / "metadata.json", ["a"])
    main(["metadata", "import", file, "--output", str(folder)])
    for other, more in ((["b"], []), (["a"], ["--format", "json"])):
        file = written(tmp_path / "metadata.json", other)
        assert main(["metadata", "import", file, "--output", str(folder), *more]) == 2
        assert "already exists" in capsys.readouterr().err
    assert main(["metadata", "import", file, "--output", str(tmp_path / "m"), "--language", "fr"]) == 0
    (folder / "sources.json").write_text('{"kind": "metaclip-curate starter"}')
    assert main(["metadata", "import", file, "--output", str(folder), "--language", "it"]) == 2
    assert "holds files of another kind" in capsys.readouterr().err


def test_show_of_lists_without_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(tmp_path / "en.json", [f"w{number}" for number in range(11)])
    assert main(["metadata", "show", "--metadata", str(tmp_path), "--examples", "3", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown[0]["sources"][0] == {
        "name": "unknown",
        "wikipedia": "",
        "entries": 11,
        "candidates": None,
        "limit": None,
        "best": None,
        "least": None,
        "last": None,
        "examples": ["w0", "w5", "w10"],
        "also_in": {},
    }
    for given, part in (([], "--metadata is missing"), (["--metadata", str(tmp_path), "--languages", "de"], "no list")):
        assert main(["metadata", "show", *given]) == 2
        assert part in capsys.readouterr().err
