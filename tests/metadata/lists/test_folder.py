from __future__ import annotations

import hashlib
import json
import pickle
from pathlib import Path

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.metadata.lists.folder import MetadataFolder
from metaclip_curate.storage import StorageOptions
from tests.support.compressed import zstd
from tests.support.servers.s3 import S3Server


def write(folder: Path, name: str, data: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def read(folder: Path, name: str, data: bytes | str) -> list[str]:
    write(folder, name, data)
    return MetadataFolder.open(folder).entries(name.partition(".")[0])


# Which files are metadata


def test_three_kinds_of_file(tmp_path: Path) -> None:
    write(tmp_path, "fr.txt", "chat\nchien\n")
    write(tmp_path, "en.json", '["cat", "dog"]')
    write(tmp_path, "de.txt.zst", zstd(b"Katze\nHund\n"))
    folder = MetadataFolder.open(str(tmp_path))
    assert folder.languages == ["de", "en", "fr"]
    assert [folder.entries(language) for language in folder.languages] == [
        ["Katze", "Hund"],
        ["cat", "dog"],
        ["chat", "chien"],
    ]


@pytest.mark.parametrize("language", ["en", "ceb", "simple", "other", "be_x_old", "zh_min_nan", "zh-yue", "eng_Latn"])
def test_language_codes(tmp_path: Path, language: str) -> None:
    write(tmp_path, f"{language}.json", "[]")
    assert MetadataFolder.open(tmp_path).languages == [language]


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "LICENSE",
        "LICENSE.txt",
        "sources.json",
        "metadata.json",
        "languages.csv",
        "de.csv",
        "de.json.zst",
        "de",
        ".json",
        ".de.txt",
        ".de.txt.crc",
        "DE.txt",
        "de.txt~",
        "de.txt.zst.part",
        "_SUCCESS",
    ],
)
def test_files_that_are_no_metadata_are_ignored(tmp_path: Path, name: str) -> None:
    write(tmp_path, "en.txt", "cat\n")
    write(tmp_path, name, b"\xff not metadata")
    assert MetadataFolder.open(tmp_path).languages == ["en"]


def test_folders_are_ignored(tmp_path: Path) -> None:
    write(tmp_path, "en.txt", "cat\n")
    (tmp_path / "de.txt").mkdir()
    assert MetadataFolder.open(tmp_path).languages == ["en"]


def test_one_language_twice_names_both_files(tmp_path: Path) -> None:
    write(tmp_path, "en.txt", "cat\n")
    write(tmp_path, "en.json", '["cat"]')
    with pytest.raises(UserError, match=r"language en, en\.json and en\.txt; keep one"):
        MetadataFolder.open(tmp_path)


def test_folder_without_metadata(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no metadata.*LANGUAGE\.json"):
        MetadataFolder.open(tmp_path)
    write(tmp_path, "sources.json", "{}")
    with pytest.raises(UserError, match="has no metadata"):
        MetadataFolder.open(tmp_path)


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere does not exist"):
        MetadataFolder.open(tmp_path / "nowhere")


def test_file_instead_of_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"en\.txt is a file"):
        MetadataFolder.open(write(tmp_path, "en.txt", "cat\n"))


def test_language_without_a_file(tmp_path: Path) -> None:
    write(tmp_path, "en.txt", "cat\n")
    folder = MetadataFolder.open(tmp_path)
    for method in (folder.entries, folder.digest, folder.read):
        with pytest.raises(UserError, match=r"no list for the language de.*choose among en"):
            method("de")


def test_file_that_vanished(tmp_path: Path) -> None:
    path = write(tmp_path, "en.txt", "cat\n")
    folder = MetadataFolder.open(tmp_path)
    path.unlink()
    with pytest.raises(UserError, match=r"en\.txt cannot be read"):
        folder.entries("en")


# Positions


@pytest.mark.parametrize(
    ("data", "entries"),
    [
        ("cat\ndog\n", ["cat", "dog"]),
        ("cat\ndog", ["cat", "dog"]),
        ("cat\r\ndog\r\n", ["cat", "dog"]),
        ("cat\r\ndog\n", ["cat", "dog"]),
        ("cat\n\ndog\n\n", ["cat", "", "dog", ""]),
        ("\ncat", ["", "cat"]),
        ("cat\ncat\ncat\n", ["cat", "cat", "cat"]),
        (" cat \n", [" cat "]),
        ("a\u2028b\fc\u0085d\v\x1ce\n", ["a\u2028b\fc\u0085d\v\x1ce"]),
        ("a\rb\nc\r", ["a\rb", "c\r"]),
        ("\ufeffcat\ndog\n", ["cat", "dog"]),
        ("\ufeff\ufeffcat\n\ufeffdog\n", ["\ufeffcat", "\ufeffdog"]),
        ("", []),
        ("\n", [""]),
        ("\ufeff", []),
        ("a\0b\n", ["a\0b"]),
        ("猫\n😀\n", ["猫", "😀"]),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_lines(tmp_path: Path, data: str, entries: list[str], packed: bool) -> None:
    name, stored = ("en.txt.zst", zstd(data.encode())) if packed else ("en.txt", data.encode())
    assert read(tmp_path, name, stored) == entries


@pytest.mark.parametrize(
    ("data", "entries"),
    [
        ('["cat", "", "cat", "a\\nb", "\\ud83d\\ude00"]', ["cat", "", "cat", "a\nb", "😀"]),
        ('\ufeff["\ufeffcat"]\r\n', ["\ufeffcat"]),
        ("[]", []),
    ],
)
def test_json(tmp_path: Path, data: str, entries: list[str]) -> None:
    assert read(tmp_path, "en.json", data) == entries


@pytest.mark.parametrize("name", ["en.json", "en.txt", "en.txt.zst"])
def test_long_entries(tmp_path: Path, name: str) -> None:
    entries = ["x" * 1_000_000, "猫" * 1_000_000, "cat"]
    data = json.dumps(entries).encode() if name == "en.json" else "\n".join(entries).encode()
    assert read(tmp_path, name, zstd(data) if name.endswith(".zst") else data) == entries


def test_zstandard_in_several_frames(tmp_path: Path) -> None:
    skipped = b"\x50\x2a\x4d\x18\x04\x00\x00\x00skip"
    assert read(tmp_path, "en.txt.zst", skipped + zstd(b"ca") + zstd(b"t\ndog\n")) == ["cat", "dog"]


# Damage


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ('["cat",\n "dog" "bird"]', r"en\.json is malformed at line 2, column 8"),
        ('["cat"', r"en\.json is malformed at line 1, column 7"),
        ("", r"en\.json is malformed at line 1, column 1"),
        ('["cat"] []', r"malformed at line 1, column 9"),
        ('["a\tb"]', r"malformed at line 1, column 4"),
        ('{"cat": 1}', r"en\.json holds an object; it must be a JSON list of strings"),
        ('"cat"', "holds a string"),
        ('["cat", 1]', "holds a number at position 1"),
        ('["cat", null]', "holds null at position 1"),
        ('["cat", ["dog"]]', "holds a list at position 1"),
        ("[true]", "holds true or false at position 0"),
        ('["cat", "\\ud83d"]', "half a surrogate pair in the string at position 1"),
        ("[" * 100_000, "must be a JSON list of strings"),
        ("[" + "1" * 10_000 + "]", "must be a JSON list of strings"),
    ],
)
def test_bad_json(tmp_path: Path, data: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read(tmp_path, "en.json", data)


@pytest.mark.parametrize("name", ["en.json", "en.txt", "en.txt.zst"])
def test_invalid_utf8(tmp_path: Path, name: str) -> None:
    data = b'["cat",\n"\xff"]'
    with pytest.raises(UserError, match=r"en\..* is not UTF-8 at line 2, byte 9"):
        read(tmp_path, name, zstd(data) if name.endswith(".zst") else data)


def test_damaged_zstandard(tmp_path: Path) -> None:
    whole = zstd("\n".join(map(str, range(10_000))).encode())
    for data in (whole[:-1], whole[: len(whole) // 2], whole + b"rest", b"no zstd"):
        with pytest.raises(UserError, match=r"en\.txt\.zst is damaged"):
            read(tmp_path, "en.txt.zst", data)


# Digests


def test_digests_are_of_the_bytes_as_stored(tmp_path: Path) -> None:
    stored = {"de": zstd(b"Katze\n"), "en": b'["cat"]'}
    write(tmp_path, "de.txt.zst", stored["de"])
    write(tmp_path, "en.json", stored["en"])
    folder = MetadataFolder.open(tmp_path)
    expected = {language: hashlib.sha256(data).hexdigest() for language, data in stored.items()}
    assert folder.digests() == expected
    assert folder.digest("en") == folder.read("en").digest == expected["en"]
    assert folder.read("en").source == str(tmp_path / "en.json")


def test_a_byte_more_is_another_digest(tmp_path: Path) -> None:
    write(tmp_path, "en.txt", "cat")
    folder = MetadataFolder.open(tmp_path)
    before = folder.read("en")
    write(tmp_path, "en.txt", "cat\n")
    after = folder.read("en")
    assert before.entries == after.entries and before.digest != after.digest


def test_can_be_sent_to_workers(tmp_path: Path) -> None:
    write(tmp_path, "en.txt", "cat\n")
    folder = MetadataFolder.open(tmp_path)
    assert pickle.loads(pickle.dumps(folder)) == folder


@pytest.mark.slow
def test_a_folder_on_s3_is_read_as_a_local_one(tmp_path: Path, s3_server: S3Server) -> None:
    (tmp_path / "en.json").write_text('["cat"]')
    (tmp_path / "th.txt").write_text("แมว\n")
    options = StorageOptions(s3_endpoint_url=s3_server.url)
    s3_server.put("metadata", {f"lists/{file.name}": file.read_bytes() for file in tmp_path.iterdir()})
    remote = MetadataFolder.open("s3://metadata/lists", options)
    local = MetadataFolder.open(tmp_path)
    assert remote.languages == local.languages == ["en", "th"]
    assert [remote.read(name).entries for name in remote.languages] == [["cat"], ["แมว"]]
    assert remote.digests() == local.digests()
    with pytest.raises(UserError, match="has no metadata"):
        MetadataFolder.open("s3://metadata/nothing", options)
