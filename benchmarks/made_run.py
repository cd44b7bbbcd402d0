"""A finished run folder of made pairs, of any size, for programs that read tables and don't check uids."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from metaclip_curate.run.file_list import FileList, PartFile, describe
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.summaries import (
    BalanceSummary,
    CountSummary,
    DedupSummary,
    ExtractSummary,
    LanguageMatches,
    LanguageThreshold,
    MatchSummary,
    SampleSummary,
    Summary,
)
from metaclip_curate.schemas import COUNTS, DISTINCT, MANIFEST, MATCHED, SCREENED, THRESHOLDS

ROWS_PER_FILE = 500_000
T, SEED = 20_000, 0
# Languages with a list, and one without.
LANGUAGES = ("en", "de", "ru", "es", "fr", "ja", "pt", "it", "pl", "nl", "tr", "vi")
_WITHOUT_LIST = "ka"
_ENTRIES, _WORDS, _HOSTS = 20_000, 50_000, 100_000
_SHARE_SCREENED, _SHARE_UNMATCHED, _SHARE_KEPT = 0.05, 0.15, 0.6

Numbers = npt.NDArray[np.int64]


def write_made_run(root: Path, pairs: int) -> None:
    """Writes the tables of a finished run and its run.json.

    Words, hosts and entries are drawn by Zipf's law, so that there are frequent and rare ones of each.

    Args:
        root: Folder that doesn't exist yet.
        pairs: Number of distinct pairs.
    """
    random = np.random.default_rng(SEED)
    files: dict[str, list[PartFile]] = {"distinct": [], "matched": [], "screened": [], "manifest": []}
    counts = {language: np.zeros(_ENTRIES, np.int64) for language in LANGUAGES}
    distinct: dict[str, int] = {}
    matched = dict.fromkeys(LANGUAGES, 0)
    kept = 0
    for number, first in enumerate(range(0, pairs, ROWS_PER_FILE)):
        tables = _tables(random, min(ROWS_PER_FILE, pairs - first), counts)
        for name, table in tables.items():
            files[name].append(_write(_aside(root) / name / f"part-{number:05d}.parquet", table))
        for row in tables["distinct"].group_by("lang").aggregate([([], "count_all")]).to_pylist():
            distinct[row["lang"]] = distinct.get(row["lang"], 0) + row["count_all"]
        for row in tables["matched"].group_by("metadata_lang").aggregate([([], "count_all")]).to_pylist():
            matched[row["metadata_lang"]] += row["count_all"]
        kept += tables["manifest"].num_rows
    _finish(root, files, counts, distinct, matched, kept)


def _tables(random: np.random.Generator, rows: int, counts: Mapping[str, Numbers]) -> dict[str, pa.Table]:
    """Returns tables of so many pairs, and adds their entries to the counts."""
    lang = pa.array([*LANGUAGES, _WITHOUT_LIST]).take(pa.array(_zipf(random, rows, len(LANGUAGES) + 1)))
    digits = np.frombuffer(random.bytes(16 * rows), np.uint8).reshape(rows, 16)
    uids = pa.array(["".join(row) for row in np.array([f"{byte:02x}" for byte in range(256)])[digits].tolist()])
    hosts = pc.binary_join_element_wise("img", pa.array(_zipf(random, rows, _HOSTS)).cast(pa.string()), ".example", "")
    words = pa.array([f"w{number:x}" for number in range(_WORDS)])
    text = pc.binary_join_element_wise(*(words.take(pa.array(_zipf(random, rows, _WORDS))) for _ in range(8)), " ")
    columns = {
        "uid": uids,
        "image_id": pc.utf8_slice_codeunits(uids, 0, 24),
        "url": pc.binary_join_element_wise(
            "https://", hosts, "/images/", pc.utf8_slice_codeunits(uids, 0, 12), ".jpg", ""
        ),
        "text": text,
        "text_source": pa.repeat("alt", rows),
        "page_url": pc.binary_join_element_wise("https://", hosts, "/page/", pc.utf8_slice_codeunits(uids, 3, 8), ""),
        "page_lang": lang,
        "license": pa.repeat("", rows),
        "source_id": pa.repeat("", rows),
        "crawl": pa.repeat("CC-MAIN-2025-30", rows),
        "source_file": pa.repeat("made.warc.wat.gz", rows),
        "lang": lang,
        "lang_score": pa.array(random.random(rows, np.float32)),
    }
    distinct = (
        pa.table(columns, schema=DISTINCT).sort_by([("lang", "ascending"), ("uid", "ascending")]).combine_chunks()
    )
    fate = random.random(rows)
    with_list = pc.not_equal(distinct["lang"], _WITHOUT_LIST)
    screened = distinct.filter(pa.array(fate < _SHARE_SCREENED))
    reasons = pa.array(["host", "words", "personal_data"]).take(pa.array(random.integers(0, 3, screened.num_rows)))
    is_matched = pc.and_(with_list, pa.array(fate >= _SHARE_SCREENED + _SHARE_UNMATCHED))
    matched = distinct.filter(is_matched)
    matched = matched.append_column("metadata_lang", matched["lang"])
    matched = matched.append_column("entry_ids", _entry_ids(random, matched["lang"], counts))
    stays = matched.filter(pa.array(random.random(matched.num_rows) < _SHARE_KEPT))
    manifest = stays.append_column("keep_probability", pa.array(np.full(stays.num_rows, _SHARE_KEPT)))
    return {
        "distinct": distinct,
        "screened": pa.table([screened["uid"], screened["lang"], reasons], schema=SCREENED),
        "matched": matched.cast(MATCHED),
        "manifest": manifest.append_column("draw", pa.array(np.zeros(stays.num_rows))).cast(MANIFEST),
    }


def _entry_ids(random: np.random.Generator, lang: pa.ChunkedArray, counts: Mapping[str, Numbers]) -> pa.Array:
    """Returns four entries of each text, and counts them."""
    ids = _zipf(random, 4 * len(lang), _ENTRIES // 4).reshape(-1, 4) * 4 + np.arange(4)
    ids.sort(axis=1)
    names = lang.combine_chunks().dictionary_encode()
    for number, language in enumerate(names.dictionary.to_pylist()):
        counts[language][:] += np.bincount(ids[names.indices.to_numpy() == number].ravel(), minlength=_ENTRIES)
    offsets = pa.array(np.arange(0, ids.size + 1, 4, dtype=np.int32))
    return pa.ListArray.from_arrays(offsets, pa.array(ids.ravel().astype(np.int32)))


def _zipf(random: np.random.Generator, rows: int, values: int) -> Numbers:
    """Returns numbers below a limit, n times as rare as the most frequent one at rank n."""
    # The integral of 1 / rank, which is inverted here.
    found: Numbers = (np.exp(random.random(rows) * np.log(values + 1)) - 1).astype(np.int64)
    return found


def _write(path: Path, table: pa.Table) -> PartFile:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="zstd", write_page_checksum=True, row_group_size=100_000)
    return describe(str(path), path.name, table.num_rows)


def _aside(root: Path) -> Path:
    """Returns where tables are written before the stage that they belong to begins, which empties their folder."""
    return root.with_name(f"{root.name}-tables")


def _finish(
    root: Path,
    files: Mapping[str, list[PartFile]],
    counts: Mapping[str, Numbers],
    distinct: Mapping[str, int],
    matched: Mapping[str, int],
    kept: int,
) -> None:
    """Writes the small tables, and records all stages as finished."""
    folder = RunFolder(str(root))
    digests = dict.fromkeys(LANGUAGES, "0" * 64)
    rule = {"lid_model_digest": "0" * 64, "lid_fallback": "none", "min_lid_score": 0.5}
    draw = {"seed": SEED, "texts_per_image": "all"}
    thresholds = [
        LanguageThreshold(language, T, 0.06, int(counts[language].sum()), _ENTRIES, 0, matched[language], 0.0)
        for language in LANGUAGES
    ]
    ids = pa.array(np.tile(np.arange(_ENTRIES, dtype=np.int32), len(LANGUAGES)))
    entries = [f"{language} entry {entry}" for language in LANGUAGES for entry in range(_ENTRIES)]
    names = [language for language in LANGUAGES for _ in range(_ENTRIES)]
    all_counts = pa.array(np.concatenate([counts[language] for language in LANGUAGES]))
    of_counts = pa.table([names, ids, entries, all_counts], schema=COUNTS)
    of_thresholds = pa.Table.from_pylist([vars(row) for row in thresholds], schema=THRESHOLDS)
    languages = tuple(LanguageMatches(name, distinct.get(name, 0), matched[name]) for name in LANGUAGES)
    small = {
        name: [_write(_aside(root) / name / "part-00000.parquet", table)]
        for name, table in (("counts", of_counts), ("thresholds", of_thresholds))
    }
    match = MatchSummary(languages=languages, no_metadata=distinct.get(_WITHOUT_LIST, 0), metadata="made")
    stages: tuple[tuple[str, dict[str, Any], Summary, dict[str, list[PartFile]] | None], ...] = (
        ("extract", {}, ExtractSummary(files=1, ok=1, pairs=sum(distinct.values())), None),
        ("dedup", rule, DedupSummary(distinct), {"distinct": files["distinct"]}),
        (
            "match",
            {"metadata_digests": digests, "normalize": "nfc", "entry_spacing": "metaclip2"},
            match,
            {name: files[name] for name in ("matched", "screened")},
        ),
        ("count", {"metadata_digests": digests}, CountSummary(), {"counts": small["counts"]}),
        ("balance", {"t": T, **draw}, BalanceSummary(tuple(thresholds)), {"thresholds": small["thresholds"]}),
        ("sample", draw, SampleSummary(len(files["manifest"]), kept, ()), {"manifest": files["manifest"]}),
    )
    upstream = ""
    with folder.owned():
        for stage, options, summary, tables in stages:
            folder.begin(stage, options, upstream)
            for table in tables or ():
                (_aside(root) / table).rename(root / table)
            folder.finish(stage, summary, FileList(tables) if tables else None)
            upstream = folder.fingerprint(stage)
    _aside(root).rmdir()
