"""`make metadata-en` on a server whose files have the form of the real ones, and little in them."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from examples.dump_writer import WikiPage, write_multistream
from metaclip_curate.cli import main
from metaclip_curate.metadata.lists.folder import MetadataFolder
from tests.conftest import ROOT
from tests.support.servers.faulty_http import FaultyHTTPServer
from tests.support.servers.wikimedia import DATE, WikimediaServer

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# As wndb(5WN) lays it out. Only the first name of a synset is one of MetaCLIP 1's.
NOUNS = b"""  1 This software and database is being provided to you, the LICENSEE, by
00001740 03 n 01 entity 0 003 ~ 00001930 n 0000 | that which is
02084071 05 n 03 dog 0 domestic_dog 0 Canis_familiaris 0 001 @ 02083346 n 0000 | a member
09044862 15 n 02 United_States 0 U.S. 0 001 @i 08544813 n 0000 | a republic
09109444 15 n 02 St._Louis 0 Gateway_to_the_West 0 001 #p 09108294 n 0000 | a city
"""
VERBS = b"01168468 34 v 02 eat 0 feed 0 001 * 00838043 v 0000 01 + 08 00 | take in food\n"
# Views of each hour of the day. 70 views count, from hours with 50 or more.
HOURS = [
    b"en Red_panda 60 0\nen Grey_wolf 49 0\nen Polar_bear 69 0\nen.m Snow_leopard 500 0\nen Brown_hare 20 0\n",
    b"en Red_panda 55 0\nen Grey_wolf 49 0\nen Arctic_hare 70 0\nen.b Cookbook 900 0\nde Rotfuchs 900 0\n",
    b"en Grey_wolf 49 0\nen Brown_hare 69 0\nen Special:Search 900 0\nen Polar_bear 1 0\n",
]
DAY = "20240301"
_SENTENCES = "The red fox sleeps. '''Red''' means fox."


def dump_parts(folder: Path) -> dict[str, bytes]:
    """A dump in two parts, each with its index, by what follows the date in Wikimedia's names."""
    parts = {}
    for number, pages in ((1, "p1p60"), (2, "p61p120")):
        # 120 times in both parts: the red fox sleeps; 99 times: rarely.
        rarely = 49 + number - 1
        texts = [_SENTENCES + (" Rarely." if page < rarely else "") for page in range(60)]
        path = folder / f"enwiki-{DATE}-pages-articles-multistream.xml.bz2"
        articles = [WikiPage(f"Article {number} {page}", text) for page, text in enumerate(texts)]
        index = write_multistream(path, articles, "en")
        parts[f"pages-articles-multistream{number}.xml-{pages}.bz2"] = path.read_bytes()
        parts[f"pages-articles-multistream-index{number}.txt-{pages}.bz2"] = index.read_bytes()
    return parts


def make_commands(target: str, **variables: str) -> list[list[str]]:
    """The commands of a target that are this project's, without the program."""
    given = [f"{name}={value}" for name, value in variables.items()]
    dry = ["make", "--dry-run", "--no-print-directory", "--assume-old", ".venv/.ready"]
    done = subprocess.run([*dry, target, *given], cwd=ROOT, capture_output=True, text=True, check=True)
    lines = done.stdout.replace("\\\n", " ").splitlines()
    return [shlex.split(line)[1:] for line in lines if line.startswith(".venv/bin/metaclip-curate ")]


def test_the_whole_english_list(
    spark: SparkSession, faulty_http: FaultyHTTPServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = WikimediaServer(faulty_http)
    server.add_dump("enwiki", dump_parts(tmp_path))
    server.add_wordnets({}, {"data.noun": NOUNS, "data.verb": VERBS, "data.adj": b"", "data.adv": b""})
    for hour, lines in enumerate(HOURS):
        server.add_page_views(lines, date=DAY, hours=range(hour, hour + 1))
    urls = " ".join(f"--{name.replace('_', '-')} {url}" for name, url in server.options().items())
    folders = {"SOURCES_EN": str(tmp_path / "sources"), "METADATA_EN": str(tmp_path / "lists")}
    commands = make_commands("metadata-en", DATE=DATE, FETCH=f"{urls} --pageviews-dates {DAY}", **folders)
    assert [command[:2] for command in commands] == [["metadata", name] for name in ("fetch", "build", "show")]
    # Without a date the sources are those that are there.
    assert make_commands("metadata-en", **folders) == commands[1:]

    for command in commands:
        assert main(command) == 0
    entries = MetadataFolder.open(tmp_path / "lists").entries("en")
    assert entries[:100] == [str(number) for number in range(100)]
    assert set(entries) >= {"dog", "eat", "entity", "united states", "st"}
    assert set(entries) >= {"Red", "The", "fox", "means", "red", "sleeps", "red fox", "fox sleeps"}
    assert set(entries) >= {"Arctic hare", "Red panda"}
    left_out = {"domestic dog", "feed", "Gateway to the West", "Rarely", "Moose"}
    left_out |= {"Grey wolf", "Polar bear", "Snow leopard", "Brown hare", "Cookbook", "Rotfuchs", "Special:Search"}
    assert not set(entries) & left_out
    shown = capsys.readouterr().out
    assert "Arctic hare" in shown and "titles" in shown
