"""Screens: processor time of each on the pairs of WATs, one core, and the memory of five million listed hosts."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import wordfreq

from benchmarks.cpu_time import best_seconds
from benchmarks.inputs import ROOT, page_wats
from benchmarks.peak_memory import peak_mb
from metaclip_curate.extract import read_pairs
from metaclip_curate.screens.host_list import read_host_list
from metaclip_curate.screens.host_screens import HostPolicyScreen, HostScreen, PrivateAddressScreen
from metaclip_curate.screens.host_table import HostTable
from metaclip_curate.screens.license import LicenseScreen
from metaclip_curate.screens.pairs import Screen, ScreenedPairs
from metaclip_curate.screens.screens import Screens
from metaclip_curate.screens.text_screens import LanguageScoreScreen, LengthScreen, PersonalDataScreen, WordScreen
from metaclip_curate.storage import StorageOptions

_HOSTS, _PAIRS, _ROWS_PER_BATCH = 5_000_000, 1 << 17, 1 << 14
_LANGUAGES = ("ar", "de", "en", "es", "fr", "hi", "ja", "pt", "ru", "zh")
_WORDS = slice(1_000, 3_000)  # by frequency
_GOAL = 2.0  # microseconds a pair


def main(quick: bool = False) -> None:
    """Prints times and memory.

    Args:
        quick: Whether to use a tenth of the hosts and pairs.
    """
    scale = 10 if quick else 1
    batches = _batches(_PAIRS // scale)
    with tempfile.TemporaryDirectory() as folder:
        listed, table = Path(folder) / "hosts.txt", Path(folder) / "table"
        _write_hosts(listed, _HOSTS // scale)
        started = time.process_time()
        read_host_list(str(listed), StorageOptions()).table.write(str(table), StorageOptions())
        compiled = time.process_time() - started
        hosts = HostTable.read(str(table), StorageOptions())
        _print_times(batches, hosts, 3 if quick else 7)
        command = [sys.executable, "-m", "benchmarks.screens", str(table)]
        memory = float(subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout)
        print(f"\n  {len(hosts):,} hosts: read from the list in {compiled:.1f} s, {table.stat().st_size / 1e6:.0f} MB")
        print(f"  on disk, {memory:.0f} MB more in a worker that has looked up hosts (goal: below 200)")


def _print_times(batches: list[pa.RecordBatch], hosts: HostTable, rounds: int) -> None:
    words = {language: wordfreq.top_n_list(language, _WORDS.stop)[_WORDS] for language in _LANGUAGES}
    word_screen = WordScreen(words)
    together: Mapping[str, Screen] = {
        "hosts": HostScreen(hosts),
        "private addresses": PrivateAddressScreen(),
        "lengths": LengthScreen(5, 1_000),
        "language scores": LanguageScoreScreen(0.3),
        "licences": LicenseScreen(("by", "by-sa")),
    }
    apart: Mapping[str, Callable[[], object]] = {
        "host policies": _task(batches, Screens([HostPolicyScreen(hosts, ["a rule"] * 2)])),
        "words of ten languages": lambda: [
            Screens([word_screen]).judge(ScreenedPairs(batch, language))
            for batch, language in zip(batches, _LANGUAGES * len(batches), strict=False)
        ],
        "personal data": _task(batches, Screens([PersonalDataScreen()])),
    }
    singly = {name: _task(batches, Screens([screen])) for name, screen in together.items()}
    tasks = {**singly, "these together": _task(batches, Screens(list(together.values()))), **apart}
    pairs = sum(batch.num_rows for batch in batches)
    print(f"\n{pairs:,} pairs, {len(hosts):,} hosts\n")
    print(f"  {'':<24} {'microseconds a pair':>20}")
    for name, seconds in best_seconds(tasks, rounds).items():
        goal = f"  (goal: at most {_GOAL:g})" if name == "these together" else ""
        print(f"  {name:<24} {seconds / pairs * 1e6:>20.2f}{goal}")


def _task(batches: list[pa.RecordBatch], screens: Screens) -> Callable[[], object]:
    # Hosts are found anew each time.
    return lambda: [screens.judge(ScreenedPairs(batch, "en")) for batch in batches]


def _batches(number: int) -> list[pa.RecordBatch]:
    """Returns different pairs in random order, as a file of `distinct` has them, repeated if they are too few."""
    tables = [pa.Table.from_batches(read_pairs(str(path))) for path in page_wats()]
    rows = pa.concat_tables(tables).combine_chunks()
    order = np.random.default_rng(0).permutation(rows.num_rows)[:number]
    rows = rows.take(np.resize(order, number))
    scores = np.random.default_rng(1).random(number).astype(np.float32)
    rows = rows.append_column("lang_score", pa.array(scores)).combine_chunks()
    batches: list[pa.RecordBatch] = rows.to_batches(max_chunksize=_ROWS_PER_BATCH)
    return batches


def _write_hosts(path: Path, number: int) -> None:
    """Writes made hosts as long as those of lists that are published, 17 characters on average."""
    letters = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz0123456789", np.uint8)
    names = letters[np.random.default_rng(2).integers(0, len(letters), (number, 13))]
    endings = np.resize(np.frombuffer(b".com\n.net\n.org\n", np.uint8).reshape(3, 5), (number, 5))
    path.write_bytes(np.hstack([names, endings]).tobytes())


def _looked_up(path: str) -> float:
    """Returns the MB that a table takes in a process that looks up hosts of all its parts."""
    screen = HostScreen(HostTable.read(path, StorageOptions()))
    urls = pa.array([f"https://host{number}.example.org/a" for number in range(_ROWS_PER_BATCH)], pa.string())
    pairs = ScreenedPairs(pa.RecordBatch.from_pydict({"url": urls, "page_url": urls}), "en")
    before = peak_mb()
    screen.rejects(pairs)
    return peak_mb() - before


if __name__ == "__main__":
    print(_looked_up(sys.argv[1]))
