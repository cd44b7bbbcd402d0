"""Runs of the pipeline for tests, and their tables as lists of dicts."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow.dataset

from metaclip_curate.language import LanguageIdentifier, load_language_table
from metaclip_curate.options.balance import BalanceOptions
from metaclip_curate.options.dedup import DedupOptions
from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.options.extract import ExtractOptions
from metaclip_curate.options.match import MatchOptions
from metaclip_curate.options.pool import PoolOptions
from metaclip_curate.options.run import RunOptions
from metaclip_curate.options.sample import SampleOptions
from metaclip_curate.options.screens import ScreenOptions
from metaclip_curate.pipelines.curation import Pipeline
from metaclip_curate.pipelines.options import Options
from tests.support import oracle

TABLES = ("pairs", "inputs", "distinct", "screened", "matched", "counts", "thresholds", "manifest")
# Enough for tests that don't need every language of the input: each costs every stage a task or a file. Two have spaces
# between words and two have none.
FEW_LANGUAGES = ("de", "en", "ja", "th")
_IDENTITY = {
    "pairs": ("source_file", "uid"),
    "inputs": ("path",),
    "distinct": ("uid",),
    "screened": ("uid",),
    "matched": ("uid",),
    "counts": ("metadata_lang", "entry_id"),
    "thresholds": ("metadata_lang",),
    "manifest": ("uid",),
}


def options(output: Path, inputs: Sequence[Path | str], metadata: Path, **given: Any) -> Options:
    """Options of a run; `given` are fields of any of the option classes."""
    groups: dict[str, Any] = {
        "extract": ExtractOptions,
        "pool": PoolOptions,
        "dedup": DedupOptions,
        "match": MatchOptions,
        "screens": ScreenOptions,
        "balance": BalanceOptions,
        "draw": DrawOptions,
        "sample": SampleOptions,
    }
    fixed: dict[str, dict[str, Any]] = {
        "extract": {"input": tuple(map(str, inputs))},
        "match": {"metadata": str(metadata)},
        "balance": {"t": 20},
    }
    values = {}
    for name, group in groups.items():
        mine = {key: value for key, value in given.items() if key in group.__dataclass_fields__}
        values[name] = group(**{**fixed.get(name, {}), **mine})
    return Options(run=RunOptions(output=str(output)), **values)


def run(output: Path, inputs: Sequence[Path | str], metadata: Path, **given: Any) -> Pipeline:
    """Does a whole run."""
    pipeline = Pipeline(options(output, inputs, metadata, **given), log=lambda line: None)
    pipeline.run()
    return pipeline


def table(output: Path, name: str) -> list[dict[str, Any]]:
    """A table's rows in the order of their identity, without the wall time."""
    files = sorted((output / name).rglob("*.parquet"))
    rows = pyarrow.dataset.dataset(files).to_table().to_pylist() if files else []
    for row in rows:
        row.pop("seconds", None)
    return _in_order(rows, name)


def tables(output: Path) -> dict[str, list[dict[str, Any]]]:
    """All tables of a run."""
    return {name: table(output, name) for name in TABLES}


def metadata_of(texts_by_language: dict[str, Counter[str]], entries: int) -> dict[str, list[str]]:
    """Entries that occur in texts, most frequent first, each third in another case so that some never match."""
    metadata = {}
    for language, words in texts_by_language.items():
        ranked = sorted(words, key=lambda word: (-words[word], word))[:entries]
        metadata[language] = [word.swapcase() if place % 3 == 2 else word for place, word in enumerate(ranked)]
    return metadata


def write_metadata_for(
    inputs: Sequence[Path], folder: Path, entries: int = 150, languages: Sequence[str] = ()
) -> dict[str, list[str]]:
    """Makes a metadata folder for the texts of some WATs, of all their languages if none is named."""
    table = load_language_table()
    words: dict[str, Counter[str]] = {}
    for path in inputs:
        rows, _ = oracle.read_wat(path)
        labels, _ = _identifier().identify([row["text"] for row in rows])
        for row, label in zip(rows, labels.to_pylist(), strict=True):
            language = table.metadata_language(label)
            if languages and language not in languages:
                continue
            found = re.findall(r"\w+", row["text"])
            # Scripts without spaces give long runs; pairs of characters stand in for words.
            pieces = [run[at : at + 2] for run in found for at in range(0, len(run), 2)] if len(found) == 1 else found
            words.setdefault(language, Counter()).update(set(pieces))
    words.pop("other", None)
    metadata = metadata_of(words, entries)
    folder.mkdir(parents=True)
    for language, listed in metadata.items():
        (folder / f"{language}.json").write_text(json.dumps(listed, ensure_ascii=False), encoding="utf-8")
    return metadata


def expected_tables(
    inputs: Sequence[Path | str], metadata: dict[str, list[str]], **given: Any
) -> dict[str, list[dict[str, Any]]]:
    """What the oracle makes of WATs."""
    read = [oracle.read_wat(path) for path in inputs]
    pairs = [row for rows, _ in read for row in rows]
    return tables_of(pairs, [account for _, account in read], metadata, **given)


def tables_of(
    pairs: list[dict[str, Any]], accounts: list[dict[str, Any]], metadata: dict[str, list[str]], **given: Any
) -> dict[str, list[dict[str, Any]]]:
    """What the oracle makes of pairs. `screens` has the rules of `oracle.screen`."""
    languages = load_language_table()
    distinct = oracle.distinct(pairs, identify)
    min_score = given.get("min_lid_score", 0.5) if given.get("lid_fallback") == "page" else None
    rules = given.get("screens", {})
    passed, screened = oracle.screen(distinct, metadata, languages.metadata_language, rules, min_score)
    matched, _ = oracle.match(
        passed,
        metadata,
        languages.metadata_language,
        given.get("entry_spacing", "metaclip2"),
        given.get("normalize", "nfc"),
        min_score,
    )
    counts = oracle.count(matched, metadata)
    thresholds = oracle.thresholds(
        matched,
        counts,
        given.get("t", 20),
        same_t=given.get("same_t", False),
        target_tail_share=given.get("tail_share"),
    )
    manifest = oracle.manifest_rows(
        matched, counts, thresholds, given.get("seed", 0), given.get("texts_per_image", "all")
    )
    found = {
        "pairs": pairs,
        "inputs": accounts,
        "distinct": distinct,
        "screened": screened,
        "matched": matched,
        "counts": counts,
        "thresholds": thresholds,
        "manifest": manifest,
    }
    return {name: _in_order(rows, name) for name, rows in found.items()}


@cache
def identify(text: str) -> tuple[str, float]:
    """The label of a text and its probability."""
    labels, scores = _identifier().identify([text])
    return labels[0].as_py(), scores[0].as_py()


@cache
def _identifier() -> LanguageIdentifier:
    return LanguageIdentifier()


def _in_order(rows: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: [row[column] for column in _IDENTITY[name]])
