"""Matching with 500,000 English entries: `Matcher.match` against bare loops over the automata, one core.

The bare loops get the texts as Python strings that are spaced already, and discard the matches. `Matcher` gets the
Arrow array that a stage has.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ahocorasick
import ahocorasick_rs
import pyarrow as pa
import wordfreq

from benchmarks.cpu_time import best_seconds
from benchmarks.inputs import ROOT, made_wat, page_wats
from benchmarks.peak_memory import peak_mb
from metaclip_curate.extract import read_pairs
from metaclip_curate.matching import Matcher
from metaclip_curate.matching.spacing import space_texts, spaced_entries

ENTRIES = 500_000
_TEXTS = 100_000
Search = Callable[[Any], object]  # takes an Arrow array for Matcher, a list of strings for the others


def main(quick: bool = False) -> None:
    """Prints rates, build times and memory.

    Args:
        quick: Whether to use a tenth of the entries and texts.
    """
    scale = 10 if quick else 1
    entries = english_entries(ENTRIES // scale)
    for title, paths in {"real or shipped": page_wats(), "made": [made_wat(10 if quick else 100)]}.items():
        _print_rates(title, different_texts(paths, _TEXTS // scale), entries, 3 if quick else 15)
    _print_builds(entries)


def english_entries(number: int) -> list[str]:
    """Returns English words by frequency, then the same with a capital, up to a number."""
    words = wordfreq.top_n_list("en", number, wordlist="large")
    capitals = (word.capitalize() for word in words)
    return list(itertools.islice(dict.fromkeys(itertools.chain(words, capitals)), number))


def different_texts(paths: list[Path], most: int) -> list[str]:
    """Returns the distinct texts of WATs, in order."""
    found: dict[str, None] = {}
    for path in paths:
        for batch in read_pairs(str(path)):
            found.update(dict.fromkeys(batch.column("text").to_pylist()))
            if len(found) >= most:
                break
    return list(found)[:most]


def _builders() -> dict[str, Callable[[list[str]], Search]]:
    return {
        "Matcher.match": _matcher,
        "bare ahocorasick-rs": _bare_rust,
        "bare pyahocorasick": _bare_c,
    }


def _matcher(entries: list[str]) -> Search:
    matcher = Matcher(entries)
    return matcher.match


def _bare_rust(entries: list[str]) -> Search:
    automaton = ahocorasick_rs.AhoCorasick(
        [spaced for _, spaced in spaced_entries(entries)],
        matchkind=ahocorasick_rs.MatchKind.Standard,
        store_patterns=False,
        implementation=ahocorasick_rs.Implementation.ContiguousNFA,
    )

    def search(texts: list[str]) -> None:
        for text in texts:
            automaton.find_matches_as_indexes(text, overlapping=True)

    return search


def _bare_c(entries: list[str]) -> Search:
    automaton = ahocorasick.Automaton()
    for number, spaced in spaced_entries(entries):
        automaton.add_word(spaced, number)
    automaton.make_automaton()

    def search(texts: list[str]) -> None:
        for text in texts:
            list(automaton.iter(text))

    return search


def _print_rates(title: str, texts: list[str], entries: list[str], rounds: int) -> None:
    spaced = [space_texts(pa.array([text])) for text in texts]
    # A worker keeps the automaton in its caches from batch to batch, so few texts are searched several times in a row.
    passes = max(1, _TEXTS // 2 // len(texts))

    def task(name: str, search: Search) -> Callable[[], None]:
        argument = pa.array(texts, pa.string()) if name == "Matcher.match" else spaced

        def run() -> None:
            for _ in range(passes):
                search(argument)

        return run

    tasks = {name: task(name, build(entries)) for name, build in _builders().items()}
    found = {name: seconds / passes for name, seconds in best_seconds(tasks, rounds).items()}
    ours = found["Matcher.match"]
    print(f"\n{len(texts):,} {title} texts, {len(entries):,} entries\n")
    print(f"  {'':<22} {'texts/s':>10} {'Matcher / it':>13}")
    for name, seconds in found.items():
        print(f"  {name:<22} {len(texts) / seconds:>10,.0f} {seconds / ours:>13.2f}")
    print("  goals: 0.8 of the bare ahocorasick-rs loop, 1.8 of pyahocorasick")


def _print_builds(entries: list[str]) -> None:
    print(f"\n  {'built in its own process':<26} {'s':>6} {'MB':>6}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "entries.txt"
        path.write_text("\n".join(entries), encoding="utf-8")
        for name in _builders():
            command = [sys.executable, "-m", "benchmarks.matching", name, str(path)]
            answer = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
            seconds, megabytes = json.loads(answer.stdout)
            print(f"  {name:<26} {seconds:>6.1f} {megabytes:>6.0f}")


def _build(name: str, path: Path) -> tuple[float, float]:
    """Builds one automaton; returns its processor seconds, and the peak MB of the entries and it."""
    before, started = peak_mb(), time.process_time()
    search = _builders()[name](path.read_text(encoding="utf-8").split("\n"))
    seconds = time.process_time() - started
    search([""])
    return seconds, peak_mb() - before


if __name__ == "__main__":
    print(json.dumps(_build(sys.argv[1], Path(sys.argv[2]))))
