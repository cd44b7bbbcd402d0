"""Statistics of WATs that a reader's cost depends on: `python -m examples.wat_statistics FILE...`.

It only needs gzip and json, so that it can also check the writers. The WATs' records must be framed
correctly, and all texts are held in memory.
"""

import argparse
import gzip
import json
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

Unpacked = IO[bytes] | gzip.GzipFile


@dataclass
class WatStatistics:
    """Sums over the pages of WATs."""

    packed_bytes: int = 0
    unpacked_bytes: int = 0
    page_bytes: list[int] = field(default_factory=list)
    images_per_page: list[int] = field(default_factory=list)
    other_links: int = 0
    without_text: int = 0
    written: Counter[str] = field(default_factory=Counter)
    texts: list[str] = field(default_factory=list)
    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    letters: Counter[str] = field(default_factory=Counter)

    def table(self) -> dict[str, str]:
        """Returns the name and the formatted value of each statistic."""
        links = sum(self.images_per_page)
        lengths = sorted(map(len, self.texts))
        relative = sum(self.written[way] for way in ("/", "path", "//"))
        letters = self.letters.total()
        return {
            "pages": f"{len(self.page_bytes):,}",
            "packed, unpacked MB": ", ".join(f"{size / 1e6:.1f}" for size in (self.packed_bytes, self.unpacked_bytes)),
            "unpacked / packed": f"{self.unpacked_bytes / self.packed_bytes:.1f}",
            "KB of JSON a page, mean (median)": (
                f"{statistics.mean(self.page_bytes) / 1e3:.1f} ({statistics.median(self.page_bytes) / 1e3:.1f})"
            ),
            "image links a page, mean (median)": (
                f"{statistics.mean(self.images_per_page):.1f} ({statistics.median(self.images_per_page):.0f})"
            ),
            "other links a page": f"{self.other_links / len(self.page_bytes):.0f}",
            "image links without text": f"{self.without_text / links:.0%}",
            "relative addresses": f"{relative / links:.0%}",
            "of them / path //": ", ".join(f"{self.written[way] / links:.1%}" for way in ("/", "path", "//")),
            "data:, empty": ", ".join(f"{self.written[way] / links:.1%}" for way in ("data:", "empty")),
            "texts a link": f"{len(lengths) / links:.2f}",
            "different texts": f"{len(set(self.texts)) / len(lengths):.0%}",
            "different (address, text)": f"{len(self.pairs) / len(lengths):.0%}",
            "characters a text: 25, 50, 75, 95, 99 %, most": ", ".join(
                str(lengths[int(share * (len(lengths) - 1))]) for share in (0.25, 0.5, 0.75, 0.95, 0.99, 1)
            ),
            "letters that aren't Latin": f"{1 - self.letters['Latin'] / letters:.0%}",
        }


def read_statistics(paths: Iterable[Path]) -> WatStatistics:
    """Reads files, which are gzipped if their name ends in .gz."""
    sums = WatStatistics()
    for path in paths:
        sums.packed_bytes += path.stat().st_size
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for fields, block in read_records(file):
                if fields["WARC-Type"] == "metadata":
                    _add_page(sums, block)
            sums.unpacked_bytes += file.tell()
    return sums


def read_records(file: Unpacked) -> Iterator[tuple[dict[str, str], bytes]]:
    """Yields the named fields and the block of each record of a decompressed WARC or WAT file.

    Raises:
        ValueError: A record isn't framed by ISO 28500.
    """
    while line := file.readline():
        if line != b"WARC/1.0\r\n":
            raise ValueError(f"no record begins with {line!r}")
        fields = {}
        while (line := file.readline()) != b"\r\n":
            if not line.endswith(b"\r\n"):
                raise ValueError(f"a field ends with {line[-2:]!r}")
            name, _, value = line.decode().removesuffix("\r\n").partition(": ")
            fields[name] = value
        block = file.read(int(fields["Content-Length"]))
        if file.read(4) != b"\r\n\r\n":
            raise ValueError(f"the record {fields['WARC-Record-ID']} doesn't end where it says")
        yield fields, block


def _add_page(sums: WatStatistics, block: bytes) -> None:
    envelope: dict[str, Any] = json.loads(block)["Envelope"]
    response = envelope["Payload-Metadata"].get("HTTP-Response-Metadata")
    if response is None:
        return
    sums.page_bytes.append(len(block))
    links = response.get("HTML-Metadata", {}).get("Links", [])
    images = [link for link in links if link.get("path") == "IMG@/src"]
    sums.images_per_page.append(len(images))
    sums.other_links += len(links) - len(images)
    for image in images:
        address = image.get("url", "")
        sums.written[_way(address)] += 1
        texts = [text for name in ("alt", "title") if (text := image.get(name, "").strip())]
        sums.without_text += not texts
        for text in texts:
            sums.texts.append(text)
            sums.pairs[address, text] += 1
            latin = sum(letter.isalpha() and ord(letter) < 0x250 for letter in text)
            sums.letters["Latin"] += latin
            sums.letters["other"] += sum(map(str.isalpha, text)) - latin


def _way(address: str) -> str:
    """Returns the form of an image's URL: absolute, path, /, //, data: or empty."""
    if not address:
        return "empty"
    for start in ("//", "/", "data:"):
        if address.startswith(start):
            return start
    scheme, colon, _ = address.partition(":")
    return "absolute" if colon and scheme.isalpha() else "path"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description="Print statistics of the image links of WATs.", allow_abbrev=False)
    parser.add_argument("paths", nargs="+", type=Path, metavar="FILE")
    for name, value in read_statistics(parser.parse_args().paths).table().items():
        print(f"{name:48} {value}")


if __name__ == "__main__":
    main()
