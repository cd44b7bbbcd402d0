"""From Wikipedia's text to words and pairs: pages a second and core, shuffled bytes, and the cost of English.

The dump is a real one if there is one beside the project, else a synthetic one. First each step is measured alone, on
one core; then the whole stage on 1, 2 and 4 copies of the dump's pages. The bytes that Spark shuffles must grow with
the number of distinct words, not with the text.
"""

from __future__ import annotations

import bz2
import json
import random
import re
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path

from benchmarks.cpu_time import best_seconds
from benchmarks.growth import shuffle_writes
from benchmarks.local_spark import local_spark, timed
from examples.dump_writer import WikiPage, read_pages, write_dump
from metaclip_curate.metadata.building.ngrams import NgramCounts
from metaclip_curate.metadata.wikipedia.page import Article, read_page
from metaclip_curate.metadata.wikipedia.segment import Segmenter
from metaclip_curate.metadata.wikipedia.wikitext import plain_text
from metaclip_curate.options.ngrams import NgramOptions
from metaclip_curate.stages.metadata.ngrams import NgramSources, build_ngrams
from metaclip_curate.storage import StorageOptions

REAL_DUMPS = Path(__file__).parent.parent.parent / "shared" / "data" / "wiki"
REAL = {"en": "enwiki-pages-articles.xml.bz2", "ltg": "ltgwiki-latest-pages-articles.xml.bz2", "th": "thwiki-*.bz2"}
FACTORS = (1, 2, 4)
# English, all of it (dumps of 2025): bytes of bzip2, of XML, articles.
ENGLISH_PACKED, ENGLISH_XML, ENGLISH_ARTICLES = 22e9, 100e9, 7.0e6


def main(quick: bool = False) -> None:
    """Prints the steps of each dump, then the growth.

    Args:
        quick: Whether to do one round and one copy only.
    """
    with timed() as clock:
        dumps = _dumps(clock.folder)
        print(
            f"{'dump':<6}{'articles':>9}{'MB XML':>8}" + "".join(f"{name:>14}" for name in _STEPS) + f"{'pages/s':>10}"
        )
        costs = {language: _steps(language, path, 1 if quick else 3) for language, path in dumps.items()}
        print("\nsteps in MB of XML a second and core; pages/s: articles a second and core through all of them")
        _print_english(costs["en"])
        _print_growth(clock.folder, dumps["en"], FACTORS[:1] if quick else FACTORS)


def _dumps(folder: Path) -> dict[str, Path]:
    real = {language: next(REAL_DUMPS.glob(name), None) for language, name in REAL.items()}
    if all(real.values()):
        return {language: path for language, path in real.items() if path is not None}
    made = folder / "enwiki-made-pages-articles.xml.bz2"
    write_dump(made, _made_pages(500), "en")
    return {"en": made}


def _made_pages(count: int) -> list[WikiPage]:
    """Returns pages of the shipped sentences in other orders, with words that occur on one page only."""
    generator = random.Random(0)
    sentences = [part for page in read_pages("en") if not page.namespace for part in re.split(r"(?<=\.)\s", page.text)]
    return [
        WikiPage(f"Page {number}", f"Word{number} " + " ".join(generator.choices(sentences, k=60)))
        for number in range(count)
    ]


_STEPS = ("unpack", "XML", "wikitext", "tokens", "counts")


def _steps(language: str, path: Path, rounds: int) -> tuple[float, float]:
    """Prints a line; returns the seconds of a byte of XML and of a page."""
    packed = path.read_bytes()
    xml = bz2.decompress(packed)
    records = re.findall(rb"<page>.*?</page>", xml, re.DOTALL)
    articles = [page for page in map(read_page, records) if isinstance(page, Article)]
    texts = [plain_text(article.wikitext) for article in articles]
    segmenter = Segmenter(language)
    runs = [list(segmenter.runs(text)) for text in texts]
    tasks: dict[str, Callable[[], object]] = {
        "unpack": lambda: bz2.decompress(packed),
        "XML": lambda: [read_page(record) for record in records],
        "wikitext": lambda: [plain_text(article.wikitext) for article in articles],
        "tokens": lambda: [list(segmenter.runs(text)) for text in texts],
        "counts": lambda: _count(runs),
    }
    seconds = best_seconds(tasks, rounds)
    total = sum(seconds.values())
    cells = "".join(f"{len(xml) / 1e6 / max(seconds[name], 1e-9):>14.1f}" for name in _STEPS)
    print(f"{language:<6}{len(articles):>9,}{len(xml) / 1e6:>8.1f}{cells}{len(articles) / total:>10.1f}")
    return total / len(xml), total / len(articles)


def _count(runs: list[list[list[str]]]) -> None:
    counts = NgramCounts()
    for text in runs:
        counts.add(text)


def _print_english(cost: tuple[float, float]) -> None:
    by_bytes = cost[0] * ENGLISH_XML / 3600
    print(
        f"English, {ENGLISH_PACKED / 1e9:.0f} GB packed, {ENGLISH_XML / 1e9:.0f} GB of XML, "
        f"{ENGLISH_ARTICLES / 1e6:.0f} M articles: about {by_bytes:.0f} core-hours by its bytes"
    )


def _print_growth(folder: Path, dump: Path, factors: tuple[int, ...]) -> None:
    records = re.findall(rb"<page>.*?</page>", bz2.decompress(dump.read_bytes()), re.DOTALL)
    options = NgramOptions(split_bytes=1 << 30)
    print(f"\n{'copies':<8}{'wall s':>8}{'tokens':>12}{'shuffled MB':>13}")
    for factor in factors:
        path, logs = folder / f"enwiki-{factor}-pages-articles.xml.bz2", folder / f"log-{factor}"
        logs.mkdir()
        pages = b"\n".join(islice(cycle(records), factor * len(records)))
        path.write_bytes(bz2.compress(b"<mediawiki>\n" + pages + b"\n</mediawiki>\n"))
        settings = {
            "spark.eventLog.enabled": "true",
            "spark.eventLog.dir": str(logs),
            "spark.eventLog.compress": "false",
        }
        with local_spark(settings) as spark:
            started = time.time()
            output = folder / f"out-{factor}"
            build_ngrams(spark, NgramSources("en", [str(path)]), str(output), options, StorageOptions())
            seconds = time.time() - started
        tokens = json.loads((output / "wikipedia.json").read_bytes())["total"]["tokens"]
        shuffled = sum(size for finished, size in shuffle_writes(logs) if finished >= started)
        print(f"{factor:<8}{seconds:>8.1f}{tokens:>12,}{shuffled / 1e6:>13.2f}")


if __name__ == "__main__":
    main()
