"""Names from Princeton's and Open Multilingual WordNet's files."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.metadata.building.merge import Candidates, MergedList, is_usable
from metaclip_curate.metadata.sources import archives
from metaclip_curate.metadata.sources.wordnet import (
    PRINCETON,
    PRINCETON_LICENCE,
    first_names,
    read_names,
    wordnet_table,
)
from metaclip_curate.options.merge_metadata import PAPER_ENTRIES
from tests.support.servers.wikimedia import zipped

# As wndb(5WN) lays it out: offset, file, type, number of words in hex, words with their lexical ids, pointers, gloss.
NOUN = b"""  1 This software and database is being provided to you, the LICENSEE, by
00001740 03 n 01 entity 0 003 ~ 00001930 n 0000 | that which is
02084071 05 n 03 dog 0 domestic_dog 0 Canis_familiaris 0 001 @ 02083346 n 0000 | a member
"""
ADJECTIVE = b"00014358 00 s 03 galore(ip) 0 abounding(a) 1 late(p) 0 000 | in great numbers\n"
MANY = b"00000001 00 n 0b " + b" ".join(b"w%d 0" % word for word in range(11)) + b" 000 | eleven words\n"

WORDNET_FOLDER = Path("/usr/share/wordnet")

TAB = """# Chinese Open Wordnet\tcmn\thttp://x\twordnet \r
00001740-n\tcmn:lemma\t实体
00001740-n\tlemma\t50周年+的
00001740-n\tcmn:def\t0\t东西
00001740-n\tcmn:exe\t0\t例子
00001741-n\tcmn:lemma\tC+_语言\r
00001741-n\tcmn:lemma:root\t根
00001742-n\tjpn:lemma\t犬
00001743-n\tcmn:lemma\t_
00001743-n\tcmn:lemma

""".encode()


def test_princetons_words() -> None:
    found = read_names([("data.noun", NOUN + MANY), ("data.adj", ADJECTIVE)], "eng")
    assert list(found.names) == [
        *("galore", "abounding", "late", "entity", "dog", "domestic dog", "Canis familiaris"),
        *(f"w{word}" for word in range(11)),
    ]
    assert [name for name, first in found.names.items() if first] == ["galore", "entity", "dog", "w0"]
    assert (found.synsets, found.malformed, found.licences) == (4, 0, [PRINCETON_LICENCE])


def test_first_names_as_metaclip1_writes_them() -> None:
    cities = b"1 15 n 02 St._Louis 0 Gateway_City 0 000 | a city\n2 15 n 01 .22_caliber 0 000 | a calibre\n"
    table, _ = wordnet_table({"eng": [("data.noun", NOUN + cities), ("data.adj", ADJECTIVE)]}, "en")
    assert first_names(table) == ["galore", "entity", "dog", "st", ""]


def test_wordnet_3_0_has_the_synsets_of_the_paper() -> None:
    paths = [WORDNET_FOLDER / name for name in PRINCETON]
    if not all(path.is_file() for path in paths):
        pytest.skip(f"{WORDNET_FOLDER} has no {', '.join(PRINCETON)}: Debian's package wordnet-base installs them")
    table, summary = wordnet_table({"eng": [(path.name, path.read_bytes()) for path in paths]}, "en")
    assert (summary["synsets"], summary["malformed_lines"], summary["warnings"]) == (117_659, 0, [])
    names = [name for name in first_names(table) if is_usable(name, 256)]
    assert len(names) == 86_554
    merged = MergedList()
    merged.add(Candidates("numbers", [str(number) for number in range(100)]))
    merged.add(Candidates("wordnet", names))
    assert len(merged.entries) == PAPER_ENTRIES["wordnet"] == 86_654


def test_a_wordnet_of_another_language_is_reported(real_data: Path) -> None:
    path = real_data / "omw" / "wn-data-ita.tab.gz"
    italian = gzip.decompress(path.read_bytes())
    _, summary = wordnet_table({"fra": [("wn-data-fra.tab", italian)]}, "fr")
    assert summary["missing"] == "wn-data-fra.tab has no name of fra"
    (warning,) = summary["warnings"]
    assert re.fullmatch(
        r"the files of fra have 0 names of fra, and lemmas of other languages: [\d,]{6,} of ita", warning
    )
    _, summary = wordnet_table({"fra": [("wn-data-fra.tab", italian.replace(b"ita:lemma", b"fra:lemma"))]}, "fr")
    (warning,) = summary["warnings"]
    assert re.search(r"^the [\d,]{6,} names of fra don't look like fr: of \d{3} lines of 100 names \d{3} are", warning)
    assert "are identified as it, 0 as fr" in warning
    assert wordnet_table({"ita": [(path.name, path.read_bytes())]}, "it")[1]["warnings"] == []


def test_rows_of_a_tab_file_that_count() -> None:
    found = read_names([("wn-data-cmn.tab", TAB + b"00001744-n\tcmn:lemma\t\xff\n")], "cmn")
    assert found.names == {"实体": True, "50周年的": False, "C+ 语言": True}
    assert (found.synsets, found.malformed, found.licences) == (3, 2, ["wordnet"])


def test_the_same_from_every_container() -> None:
    loose = read_names([("wn-data-cmn.tab", TAB)], "cmn")
    packed = read_names([("wn-data-cmn.tab.gz", gzip.compress(TAB))], "cmn")
    other = "omw-1.4/fra/wn-data-fra.tab"
    in_zip = read_names([("omw-1.4.zip", zipped({"omw-1.4/cow/wn-data-cmn.tab": TAB, other: b"x"}))], "cmn")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:xz") as tar:
        member = tarfile.TarInfo("omw/cmn/wn-data-cmn.tab")
        member.size = len(TAB)
        tar.addfile(member, io.BytesIO(TAB))
    in_tar = read_names([("omw.tar.xz", buffer.getvalue())], "cmn")
    assert loose == packed == in_zip == in_tar
    assert read_names([("wordnet.zip", zipped({"wordnet/data.noun": NOUN}))], "eng").names.keys() == {
        *("entity", "dog", "domestic dog", "Canis familiaris")
    }


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("wn-data-cmn.tab.gz", gzip.compress(TAB)[:-9]),
        ("wn-data-cmn.tab.gz", b"no gzip"),
        ("omw-1.4.zip", zipped({"wn-data-cmn.tab": TAB})[:-30]),
        ("omw.tar.xz", b"no tar"),
    ],
)
def test_a_damaged_file_is_an_error(name: str, data: bytes) -> None:
    with pytest.raises(UserError, match=f"{name} is damaged"):
        read_names([(name, data)], "cmn")


PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}


def tar_of(content: bytes, packing: str, fields: dict[str, str] | None = None) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        member = tarfile.TarInfo("omw/wn-data-cmn.tab")
        member.size = len(content)
        member.pax_headers = fields or {}
        tar.addfile(member, io.BytesIO(content))
    return PACK[packing](buffer.getvalue())


@pytest.mark.parametrize("packing", ["", "gz", "bz2", "xz"])
def test_tars_of_every_packing(packing: str) -> None:
    assert "实体" in read_names([("omw.tar", tar_of(TAB, packing))], "cmn").names


ZEROS = bytes(300_000)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("wn-data-cmn.tab.gz", gzip.compress(ZEROS)),
        ("omw.zip", zipped({"a/wn-data-cmn.tab": ZEROS[:150_000], "b/wn-data-cmn.tab": ZEROS[:150_000]})),
        ("omw.zip", zipped({"wn-data-cmn.tab.gz": gzip.compress(ZEROS)})),
        *[(f"omw.tar.{packing}", tar_of(ZEROS, packing)) for packing in ("gz", "bz2", "xz")],
        ("omw.tar.xz", tar_of(TAB, "xz", {"comment": "x" * 300_000})),
    ],
)
def test_what_unpacks_to_more_than_a_wordnet_has_is_an_error(
    monkeypatch: pytest.MonkeyPatch, name: str, data: bytes
) -> None:
    monkeypatch.setattr(archives, "MOST_UNPACKED_BYTES", 200_000)
    with pytest.raises(UserError, match=f"{name} unpacks to more than 0 MiB"):
        read_names([(name, data)], "cmn")


def test_gaps_are_no_lemmas() -> None:
    rows = ["1-n\t{}\tGAP!", "1-n\t{}\tאחד", "2-n\t{}\tPSEUDOGAP!", "2-n\t{}\tשתיים", "3-n\t{}\tGAP!", "4-n\t{}\tgap"]
    for code in ("heb", "ita"):
        content = "\n".join(row.format(f"{code}:lemma") for row in rows).encode()
        found = read_names([(f"wn-data-{code}.tab", content)], code)
        assert found.names == {"אחד": True, "שתיים": True, "gap": True}
        assert found.synsets == 3


def test_lines_of_no_format_are_counted() -> None:
    found = read_names([("data.noun", b"00001740 03 n zz entity\n00001740 03 n 05 entity 0\n\xff\n" + NOUN)], "eng")
    assert (found.malformed, len(found.names)) == (3, 4)


def test_a_language_without_names_says_why() -> None:
    table, summary = wordnet_table({}, "xh")
    assert (len(table), summary["missing"]) == (0, "Open Multilingual WordNet has no xh")
    assert wordnet_table({"deu": []}, "de")[1]["missing"] == "no wn-data-deu in the sources"
    assert "missing" not in wordnet_table({"cmn": [("wn-data-cmn.tab", TAB)]}, "zh")[1]


def test_real_files(real_data: Path) -> None:
    sizes = {}
    for path in sorted((real_data / "omw").glob("*.tab.gz")):
        code = path.name.split(".")[0].split("-")[2]
        found = read_names([(path.name, path.read_bytes())], code)
        assert found.malformed == 0
        assert len(found.licences) == 1
        assert not {"GAP!", "PSEUDOGAP!"} & found.names.keys()
        assert not any("_" in name or name != name.strip() for name in found.names)
        sizes[code] = len(found.names)
    assert sizes["cmn"] > 60_000
    assert sizes["fra"] == 55_347
