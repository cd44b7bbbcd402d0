"""How long explore takes to start and to answer, on a made run of ten million pairs and with two threads.

A filter must be answered in a second and a search in texts in five: the benchmark fails if one takes longer. Each
question is asked once before it is measured, and the best of three answers counts.
"""

from __future__ import annotations

import sys
import time

from benchmarks.local_spark import timed
from benchmarks.made_run import write_made_run
from metaclip_curate.console.text_table import text_table
from metaclip_curate.inspect.explore.index import PairIndex
from metaclip_curate.inspect.explore.search import NO_LANGUAGE, Query, Search
from metaclip_curate.options.explore import ExploreOptions
from metaclip_curate.run.finished import open_finished
from metaclip_curate.storage import StorageOptions

PAIRS, QUICK_PAIRS = 10_000_000, 200_000
FILTER_SECONDS, TEXT_SECONDS = 1.0, 5.0
_ROUNDS = 3
QUESTIONS = {
    "all pairs": Query(),
    "a language": Query(language="de"),
    "no language": Query(language=NO_LANGUAGE),
    "a state": Query(fate="not_drawn"),
    "a screen": Query(fate="screened:words"),
    "a host": Query(host="img77.example"),
    "an entry": Query(entry="en entry 5"),
    "a language, a state and a host": Query(language="en", fate="kept", host="img3.example"),
    "the last page": Query(after="fff"),
    "text: frequent": Query(text="W1"),
    "text: rare": Query(text="w2f w1"),
    "text: nowhere": Query(text="nothing has it"),
    "text, in a language": Query(text="w1f", language="ru"),
}


def main(quick: bool = False) -> None:
    """Prints a table of answers, and fails if one took too long.

    Args:
        quick: Whether to make a fiftieth of the pairs.
    """
    with timed() as clock:
        root = clock.folder / "run"
        write_made_run(root, QUICK_PAIRS if quick else PAIRS)
        started = time.monotonic()
        with PairIndex(open_finished(str(root), "sample", StorageOptions()), ExploreOptions()) as index:
            print(f"{index.pairs:,} pairs were read in {time.monotonic() - started:.0f} s")
            with index.cursor() as cursor:
                threads = cursor.execute("SELECT current_setting('threads')").fetchone()
            print(f"threads: {threads[0] if threads else None}")
            search = Search(index, False)
            rows, late = [], []
            for name, query in QUESTIONS.items():
                total, seconds = _answer(search, query)
                limit = TEXT_SECONDS if query.text else FILTER_SECONDS
                rows.append([name, f"{total:,}", f"{seconds:.2f} s", f"{limit:.0f} s"])
                if seconds > limit:
                    late.append(name)
    print(text_table(["question", "pairs", "answer", "limit"], rows, "<>>>"))
    if late:
        sys.exit(f"explore took longer than its limit: {', '.join(late)}")


def _answer(search: Search, query: Query) -> tuple[int, float]:
    """Returns the number of pairs that fit, and the seconds of the fastest answer."""
    total, best = search.find(query).total, float("inf")
    for _ in range(_ROUNDS):
        started = time.monotonic()
        search.find(query)
        best = min(best, time.monotonic() - started)
    return total, best
