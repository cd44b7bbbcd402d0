"""Reading WATs: `read_pairs` beside the parser that cc2dataset publishes, in the same run.

It isn't among the benchmarks of `make bench`, since cc2dataset brings packages that nothing else here needs:

    pip install --no-deps cc2dataset==1.5.0 pysimdjson loguru && python -m benchmarks.published_parser
"""

from __future__ import annotations

import argparse
from io import BytesIO
from pathlib import Path

from benchmarks.cpu_time import best_seconds
from benchmarks.inputs import made_wat, page_wats
from metaclip_curate.extract import read_pairs
from metaclip_curate.language import LanguageIdentifier

_OURS, _OURS_LANG, _PUBLISHED = "read_pairs", "read_pairs with languages", "cc2dataset's parser"


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.published_parser", allow_abbrev=False)
    parser.add_argument("--quick", action="store_true", help="small input, one round")
    quick = parser.parse_args().quick
    _print_rates("real pages", page_wats(), 1 if quick else 10)
    _print_rates("a made WAT", [made_wat(10 if quick else 100)], 1 if quick else 3)


def _print_rates(title: str, paths: list[Path], rounds: int) -> None:
    pairs: dict[str, int] = {}
    identifier = LanguageIdentifier()

    def ours() -> None:
        pairs[_OURS] = sum(batch.num_rows for path in paths for batch in read_pairs(str(path)))

    def ours_with_languages() -> None:
        count = 0
        for path in paths:
            for batch in read_pairs(str(path)):
                identifier.identify(batch.column("text"))
                count += batch.num_rows
        pairs[_OURS_LANG] = count

    def published() -> None:
        pairs[_PUBLISHED] = sum(_published_pairs(path) for path in paths)

    seconds = best_seconds({_OURS: ours, _OURS_LANG: ours_with_languages, _PUBLISHED: published}, rounds)
    stored = sum(path.stat().st_size for path in paths) / 1e6
    print(f"\n{title}: {stored:.1f} MB stored, processor seconds of one core, the best of {rounds} rounds\n")
    print(f"  {'':<28} {'s':>8} {'pairs':>10} {'pairs/s':>10} {'MB stored/s':>12}")
    for name, taken in seconds.items():
        print(f"  {name:<28} {taken:>8.3f} {pairs[name]:>10,} {pairs[name] / taken:>10,.0f} {stored / taken:>12.1f}")


def _published_pairs(path: Path) -> int:
    from cc2dataset.main import extract_documents_from_wat

    return len(extract_documents_from_wat(BytesIO(path.read_bytes()), "image"))


if __name__ == "__main__":
    main()
