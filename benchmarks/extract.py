"""Reading WATs: `read_pairs` against decompression alone and a plain reader, with languages, memory, Spark and costs.

Times are processor seconds of one core, the best of several rounds in which all readers take turns on the same input.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import fasttext
from fastwarc.warc import ArchiveIterator

from benchmarks.bill import print_bill
from benchmarks.cpu_time import best_seconds
from benchmarks.inputs import made_wat, page_wats
from benchmarks.plain_reader import Predict, read_plain
from benchmarks.reading_memory import peak_of_reading
from benchmarks.spark_extract import measure
from metaclip_curate.extract import read_pairs
from metaclip_curate.language.identifier import LanguageIdentifier, default_model_path

_UNPACKED = "FastWARC, unpacking alone"
_OURS, _PLAIN = "read_pairs", "plain"
_OURS_LANG, _PLAIN_LANG = "read_pairs, languages", "plain, languages"


def main(quick: bool = False) -> None:
    """Prints the tables.

    Args:
        quick: Whether to use small input and few rounds.
    """
    real = page_wats()
    made = made_wat(10 if quick else 100)
    _print_rates("pages of " + ", ".join(path.name for path in real), real, 3 if quick else 15)
    seconds = _print_rates(f"made, {made.stat().st_size / 1e6:.0f} MB stored", [made], 1 if quick else 3)
    efficiency = _print_spark(quick)
    print_bill(made.stat().st_size / 1e6, seconds, efficiency)
    _print_memory(quick)


def _print_rates(title: str, paths: list[Path], rounds: int) -> float:
    """Prints a table of readers; returns the seconds of `read_pairs` with languages."""
    ways = _ways()
    found = best_seconds({name: _over(paths, way) for name, way in ways.items()}, rounds)
    stored = sum(path.stat().st_size for path in paths) / 1e6
    print(f"\n{title}: {stored:.1f} MB stored\n")
    print(f"  {'':<28} {'s':>8} {'MB stored/s':>12} {'x unpacking':>12} {'plain / it':>11}")
    for name, seconds in found.items():
        plain = found[_PLAIN_LANG if name in (_OURS_LANG, _PLAIN_LANG) else _PLAIN]
        rates = f"{stored / seconds:>12.1f} {seconds / found[_UNPACKED]:>12.2f} {plain / seconds:>11.2f}"
        print(f"  {name:<28} {seconds:>8.3f} {rates}")
    print(f"  goals: {_OURS} at most 5 x unpacking; plain / it at least 4, with languages as well")
    _print_language_rate(paths)
    return found[_OURS_LANG]


def _ways() -> dict[str, Callable[[Path], object]]:
    identifier = LanguageIdentifier()
    predict = _plain_predict()
    return {
        _UNPACKED: _unpack,
        _OURS: lambda path: [batch.num_rows for batch in read_pairs(str(path))],
        _PLAIN: read_plain,
        _OURS_LANG: lambda path: [identifier.identify(batch.column("text")) for batch in read_pairs(str(path))],
        _PLAIN_LANG: lambda path: read_plain(path, predict),
    }


def _over(paths: list[Path], way: Callable[[Path], object]) -> Callable[[], None]:
    def read_all() -> None:
        for path in paths:
            way(path)

    return read_all


def _unpack(path: Path) -> None:
    with path.open("rb") as file:
        for record in ArchiveIterator(file, parse_http=False):
            record.reader.read()


def _plain_predict() -> Predict:
    model = fasttext.load_model(str(default_model_path()))

    def predict(text: str) -> tuple[str, float]:
        labels, scores = model.predict(text)
        return labels[0].removeprefix("__label__"), float(scores[0])

    return predict


def _print_language_rate(paths: list[Path]) -> None:
    texts = [text for path in paths for batch in read_pairs(str(path)) for text in batch.column("text").to_pylist()]
    distinct = sorted(set(texts))[:50_000]
    identifier, predict = LanguageIdentifier(), _plain_predict()
    found = best_seconds(
        {"batch": lambda: identifier.identify(distinct), "single": lambda: [predict(text) for text in distinct]}, 3
    )
    rates = {name: len(distinct) / seconds / 1e3 for name, seconds in found.items()}
    print(f"  languages: {rates['batch']:.0f} thousand distinct texts/s; called one by one {rates['single']:.0f}")


def _print_spark(quick: bool) -> float:
    """Prints Spark's overhead; returns the bare loop's processor time over the stage's."""
    files = [made_wat(5 if quick else 20, seed) for seed in range(1, 3 if quick else 17)]
    cost = measure(files, 2 if quick else 3)
    print(f"\nextract on local[2], {len(files)} files, processor seconds of all processes after the session's start\n")
    steps = {
        "read_pairs in a loop, languages": cost.bare,
        "and written": cost.written,
        "the stage": cost.stage,
    }
    print(f"  {'':<40} {'s':>7} {'of two cores':>13}")
    for name, seconds in steps.items():
        print(f"  {name:<40} {seconds:>7.2f} {cost.bare / seconds:>13.0%}")
    print(f"  goal: 80 %; it took {cost.wall:.1f} s of wall time, {cost.bare / 2 / cost.wall:.0%} of two cores' rate")
    return cost.bare / cost.stage


def _print_memory(quick: bool) -> None:
    print("\npeak memory of a process that reads one file, languages included; goal: under 500 MB\n")
    unpacked_mb = 100 if quick else 2000
    for packed in (True, False):
        path = made_wat(unpacked_mb / 4.25 if packed else unpacked_mb, packed=packed)
        pairs, peak = peak_of_reading(path)
        size = path.stat().st_size / 1e6
        print(f"  {'packed' if packed else 'plain':<8} {size:>7,.0f} MB stored, {pairs:>9,} pairs: {peak:>5.0f} MB")
        if not packed:
            path.unlink()  # large, and written again in seconds
