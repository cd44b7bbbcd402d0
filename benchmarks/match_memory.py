"""Memory of a worker that matches one language after another: 300 languages, 5 million entries, the largest of 500,000.

A process of its own does the work of a matching task for every language in turn, and prints its peak resident memory.
The goal is under 600 MB, whatever the number of languages.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.peak_memory import peak_mb
from metaclip_curate.language import LabelRule
from metaclip_curate.metadata.lists.folder import MetadataFolder
from metaclip_curate.schemas import DISTINCT
from metaclip_curate.stages.match_task import MatchStats, MatchTask, match_file
from metaclip_curate.storage import StorageOptions

LANGUAGES, ENTRIES, LARGEST = 300, 5_000_000, 500_000
ROWS_PER_LANGUAGE = 2_000
_SYLLABLES = [first + second for first in "bdfgklmnprstvz" for second in ("a", "e", "i", "o", "u", "an", "or", "il")]


def main(quick: bool = False) -> None:
    """Prints the peak memory and the rate.

    Args:
        quick: Whether to use a tenth of the entries and languages.
    """
    scale = 10 if quick else 1
    with tempfile.TemporaryDirectory() as folder:
        write_metadata(Path(folder), LANGUAGES // scale, ENTRIES // scale, LARGEST // scale)
        command = [sys.executable, "-m", "benchmarks.match_memory", folder]
        subprocess.run(command, check=True)


def write_metadata(folder: Path, languages: int, entries: int, largest: int) -> None:
    """Writes lists of made-up words: the first language has `largest`, the others share the rest by rank."""
    weights = [1 / (rank + 1) for rank in range(languages - 1)]
    sizes = [largest, *(int((entries - largest) * weight / sum(weights)) for weight in weights)]
    for number, size in enumerate(min(size, largest) for size in sizes):
        lines = (_word(number, entry) for entry in range(max(size, 10)))
        (folder / f"{_code(number)}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _code(number: int) -> str:
    return "en" if number == 0 else "q" + chr(97 + number // 26 % 26) + chr(97 + number % 26)


def _word(language: int, entry: int) -> str:
    digest = hashlib.blake2b(f"{language}:{entry}".encode(), digest_size=6).digest()
    return "".join(_SYLLABLES[byte % len(_SYLLABLES)] for byte in digest[: 3 + digest[0] % 4])


def match_all(folder: str) -> tuple[int, int]:
    """Matches some texts of every language, as one task does that reads a file which they share.

    Returns:
        Numbers of rows before and after.
    """
    digests = MetadataFolder.open(folder).digests()
    file = Path(folder) / "distinct.parquet"
    with pq.ParquetWriter(file, DISTINCT) as writer:
        for number, language in enumerate(sorted(digests)):
            texts = [f"{_word(number, 3 * row)} {_word(number, 5 * row)} of x" for row in range(ROWS_PER_LANGUAGE)]
            columns: dict[str, list[Any]] = {
                "uid": [f"{number:08x}{row:024x}" for row in range(ROWS_PER_LANGUAGE)],
                "text": texts,
                "lang": [language] * len(texts),
                "lang_score": [0.5] * len(texts),
            }
            arrays = [pa.array(columns.get(field.name, [""] * len(texts)), field.type) for field in DISTINCT]
            writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=DISTINCT))
    languages = {language: language for language in digests}
    task = MatchTask([str(file)], LabelRule(), languages, folder, digests, "metaclip2", StorageOptions())
    matched = sum(batch.num_rows for batch in match_file(task, 0, MatchStats()))
    return len(digests) * ROWS_PER_LANGUAGE, matched


if __name__ == "__main__":
    rows, matched = match_all(sys.argv[1])
    peak = peak_mb()
    print(f"{'languages':>10} {'rows':>10} {'matched':>10} {'peak MB':>8}  (goal: under 600)")
    print(f"{rows // ROWS_PER_LANGUAGE:>10,} {rows:>10,} {matched:>10,} {peak:>8,.0f}")
