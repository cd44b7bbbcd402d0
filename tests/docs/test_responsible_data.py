"""Every command of docs/responsible-data.md is given, in the order of the page, on made input."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from metaclip_curate.cli import main
from tests.conftest import ROOT
from tests.docs.test_docs import sh_blocks
from tests.pipelines.test_policies import ALL, record
from tests.support import oracle, runs
from tests.support.pictures import encoded, picture, write_download

PAGE = ROOT / "docs" / "responsible-data.md"
NAMES = (
    "policies",
    "lists",
    "out",
    "blacklists/adult",
    "words-en.txt",
    "words-de.txt",
    "images",
    "curated",
    "known.txt",
)
_NAMED = re.compile(rf"(?<![\w./-])({'|'.join(map(re.escape, (*NAMES, 'imagenet/val', 'urls.txt')))})(?![\w.-])")
PICTURES = 12


class Reader:
    """Gives the commands of the page with the names of files in a folder.

    Args:
        folder: The folder.
        capsys: What commands print.
    """

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        self.commands = list(sh_blocks(PAGE))

    def give(self, *begin: str, **changes: str) -> str:
        """Gives the next command, which must begin with these words, and returns what it prints.

        Args:
            begin: Words after `metaclip-curate`.
            changes: Other words in place of those of the page.
        """
        program, *words = self.commands.pop(0)
        assert (program, *words[: len(begin)]) == ("metaclip-curate", *begin)
        given = [changes.get(re.sub(r"\W", "_", word), word) for word in words]
        given = [*begin, *(self._located(word) for word in given[len(begin) :])]
        self._capsys.readouterr()
        assert main(given) == 0, given
        return self._capsys.readouterr().out

    def _located(self, word: str) -> str:
        return word if word.startswith("-") else _NAMED.sub(lambda found: str(self.folder / found[1]), word)


def write_lists(folder: Path, pairs: list[dict[str, Any]]) -> None:
    """The lists of the page: the most frequent host of images, a common word, and a host that forbids."""
    hosts = [host for host, _ in Counter(oracle.host_of(row["url"]) for row in pairs).most_common(9) if "." in host]
    (folder / "blacklists" / "adult").mkdir(parents=True)
    (folder / "blacklists" / "adult" / "domains").write_text(f"{hosts[1]}\n")
    (folder / "robots.warc.gz").write_bytes(record(f"https://{hosts[2]}/robots.txt", ALL))
    (folder / "words-en.txt").write_text("The\n")
    (folder / "words-de.txt").write_text("und\n")
    (folder / "known.txt").write_text("# none yet\n")
    (folder / "imagenet" / "val").mkdir(parents=True)
    (folder / "imagenet" / "val" / "a.png").write_bytes(encoded(picture(1), "PNG"))


@pytest.mark.slow
@pytest.mark.usefixtures("spark")
def test_the_commands_of_the_page(tmp_path: Path, mini_wats: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    runs.write_metadata_for(mini_wats[:1], tmp_path / "lists", languages=("de", "en"))
    write_lists(tmp_path, oracle.read_wat(mini_wats[0])[0])
    page = Reader(tmp_path, capsys)

    printed = page.give("policies", "build", cc_robots_CC_MAIN_2025_30=str(tmp_path / "robots.warc.gz"))
    assert "robots.txt: CCBot" in printed
    page.give("run", cc_CC_MAIN_2025_30_20=str(mini_wats[0]))
    screened = runs.table(tmp_path / "out", "screened")
    assert {"host", "host_policy", "words", "length"} <= {row["reason"] for row in screened}

    # In place of the download, which the page makes next: a benchmark's image, a small one, and one twice.
    assert page.commands.pop(0)[1:] == ["download", "--run", "out", "--output", "images"]
    manifest = sorted(runs.table(tmp_path / "out", "manifest"), key=lambda row: row["image_id"])
    numbers = {image: number for number, image in enumerate(dict.fromkeys(row["image_id"] for row in manifest))}
    pictures = {number: encoded(picture(max(number, 3))) for number in range(4, PICTURES)}
    pictures |= {1: encoded(picture(1)), 2: encoded(picture(2, (60, 60))), 3: encoded(picture(4), quality=80)}
    write_download(tmp_path / "images", [(row, pictures.get(numbers[row["image_id"]])) for row in manifest], 10**6)
    page.give("images", "fingerprint")
    assert "known.txt is empty and rejects nothing" in page.give("rebalance").partition("\nWarnings\n")[2]
    reasons = {row["reason"] for row in runs.table(tmp_path / "curated", "screened")}
    assert reasons == {"benchmark", "size", "near_duplicate"}

    page.give("report")
    report = (tmp_path / "out" / "report.html").read_text()
    assert "(hidden)" in report
    assert "with a listed word" in page.give("fates")
    assert "rejected" in page.give("explain", UID=screened[0]["uid"])
    page.give("datacard")
    readme = (tmp_path / "curated" / "README.md").read_text()
    assert "| from a listed host | " in readme and "| with an image of a benchmark | " in readme

    gone = manifest[0]
    (tmp_path / "urls.txt").write_text(f"{gone['url']}\n")
    page.give("remove")
    assert gone["url"] not in {row["url"] for row in runs.table(tmp_path / "out", "manifest")}
    page.give("report")
    assert "1 uids, URLs, hosts or image ids were taken down." in (tmp_path / "out" / "report.html").read_text()
    assert gone["url"] in {row["url"] for row in runs.table(tmp_path / "out", "distinct")}
    page.give("remove")
    assert gone["url"] not in {row["url"] for row in runs.table(tmp_path / "out", "distinct")}
    assert page.commands == []
