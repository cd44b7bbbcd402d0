"""A finished run folder without a run: made-up matched pairs, and what the oracle makes of them.

Images have up to five texts in several languages, and entries are skewed, which input that ships has too little of.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from metaclip_curate import schemas
from metaclip_curate.run.file_list import FileList, PartFile, describe
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.record import MatchPart
from metaclip_curate.run.summaries import (
    BalanceSummary,
    CountSummary,
    DedupSummary,
    DownloadLosses,
    ExtractSummary,
    LanguageMatches,
    LanguageThreshold,
    LanguageTotals,
    MatchSummary,
    SampleSummary,
)
from tests.support import oracle

Rows = list[dict[str, Any]]

ENTRIES = {"en": 60, "de": 40, "th": 12, "sw": 5}
METADATA = {language: [f"{language} entry {place}" for place in range(size)] for language, size in ENTRIES.items()}
_SHARES = {"en": 60, "de": 25, "th": 12, "sw": 3}


def matched_rows(images: int, seed: int) -> Rows:
    """Pairs of so many images."""
    random_ = random.Random(seed)
    rows = []
    for image in range(images):
        url = f"https://images.example/{seed}/{image}.jpg"
        for place in range(random_.choice([1, 1, 1, 2, 3, 5])):
            language = random_.choices(list(_SHARES), list(_SHARES.values()))[0]
            text = f"text {place} of {image}"
            # The square makes low ids frequent, and the last third of the entries never occur.
            places = [
                int(random_.random() ** 2 * ENTRIES[language] * 2 / 3) for _ in range(random_.choice([1, 1, 2, 4]))
            ]
            rows.append(
                {
                    "uid": oracle.uid_of(url, text),
                    "image_id": oracle.image_id_of(url),
                    "url": url,
                    "text": text,
                    "text_source": "alt",
                    "lang": language,
                    "lang_score": 0.5,
                    "page_url": "https://pages.example/",
                    "page_lang": "",
                    "license": "",
                    "source_id": "",
                    "crawl": "CC-MAIN-2025-30",
                    "source_file": "made-up.warc.wat.gz",
                    "metadata_lang": language,
                    "entry_ids": sorted(set(places)),
                }
            )
    return rows


def write_run(
    root: Path,
    matched: Rows,
    t: int = 20,
    seed: int = 0,
    texts_per_image: str = "all",
    files: int = 3,
    normalize: str = "nfc",
    others: Rows | None = None,
    screened: Rows | None = None,
    lost: dict[str, int] | None = None,
) -> dict[str, Rows]:
    """Writes the tables of a finished run and its run.json.

    `others` are distinct pairs that didn't match, of which `screened` has those that a screen rejected. Without them
    the run has no table `distinct`, as a rebalanced one. `lost` has the numbers of pairs that were lost in a download
    by reason, and `screened` then has all columns of the pairs that were rejected for their image.

    Returns:
        The rows of matched, counts, thresholds and manifest.
    """
    counts = oracle.count(matched, METADATA)
    thresholds = oracle.thresholds(matched, counts, t, same_t=not matched)  # without a match no anchor has one
    manifest = oracle.manifest_rows(matched, counts, thresholds, seed, texts_per_image)
    folder = RunFolder(str(root))
    digests = {language: hashlib.sha256(language.encode()).hexdigest() for language in METADATA}
    folder.begin("extract", {"ignore_opt_out": False}, "")
    folder.finish("extract", ExtractSummary(files=1, ok=1, pairs=len(matched)))
    dedup = {"lid_model_digest": "0" * 64, "lid_fallback": "none", "min_lid_score": 0.5}
    folder.begin("dedup", dedup, folder.fingerprint("extract"))
    distinct = [*matched, *(others or ())]
    labels = DedupSummary(dict(sorted(Counter(row["lang"] for row in distinct).items())))
    plain = [{name: row[name] for name in schemas.DISTINCT.names} for row in distinct]
    file = write_table(root / "distinct" / "part-00000.parquet", plain, schemas.DISTINCT) if others else None
    folder.finish("dedup", labels, FileList({"distinct": [file]}) if file else None)
    rules = {"entry_spacing": "metaclip2", "normalize": normalize}
    folder.begin("match", {"metadata_digests": digests, **rules}, folder.fingerprint("dedup"))
    by_language = sorted(matched, key=lambda row: (row["metadata_lang"], row["uid"]))
    for number in range(files):
        part = f"{number:05d}-00000"
        file = write_table(root / "matched" / part / "part-00000.parquet", by_language[number::files], schemas.MATCHED)
        tables = {"matched": [file]}
        if screened and not number:
            path = root / "screened" / part / "part-00000.parquet"
            schema = schemas.SCREENED if lost is None else schemas.SCREENED_IMAGES
            tables["screened"] = [write_table(path, screened, schema)]
        folder.commit_part("match", part, MatchPart(languages={}), FileList(tables))
    sizes = {language: sum(row["metadata_lang"] == language for row in matched) for language in METADATA}
    languages = tuple(LanguageMatches(name, size, size) for name, size in sorted(sizes.items()))
    summary = MatchSummary(languages=languages, no_metadata=0, metadata=str(root / "no such folder"))
    if lost is not None:
        download = DownloadLosses(len(matched) + sum(lost.values()), len(matched), lost, unknown=0)
        summary = replace(summary, source="the run before", downloaded=("images",), download=download)
    folder.finish("match", summary)
    folder.begin("count", {"metadata_digests": digests}, folder.fingerprint("match"))
    file = write_table(root / "counts" / "part-00000.parquet", counts, schemas.COUNTS)
    folder.finish("count", CountSummary(), FileList({"counts": [file]}))
    rule = {"t": t, "anchor_language": "en", "same_t": False, "tail_share": None}
    folder.begin("balance", rule | {"texts_per_image": texts_per_image}, folder.fingerprint("count"))
    file = write_table(root / "thresholds" / "part-00000.parquet", thresholds, schemas.THRESHOLDS)
    folder.finish(
        "balance",
        BalanceSummary(tuple(LanguageThreshold(**row) for row in thresholds)),
        FileList({"thresholds": [file]}),
    )
    draw = {"seed": seed, "texts_per_image": texts_per_image}
    folder.begin("sample", {"rows_per_file": 10_000} | draw, folder.fingerprint("balance"))
    file = write_table(root / "manifest" / "part-00000.parquet", manifest, schemas.MANIFEST)
    folder.finish(
        "sample",
        SampleSummary(1, len(manifest), _totals(matched, counts, thresholds, manifest)),
        FileList({"manifest": [file]}),
    )
    return {"matched": matched, "counts": counts, "thresholds": thresholds, "manifest": manifest}


def _totals(matched: Rows, counts: Rows, thresholds: Rows, manifest: Rows) -> tuple[LanguageTotals, ...]:
    limits = {row["metadata_lang"]: row["t"] for row in thresholds}
    head = {
        (row["metadata_lang"], row["entry_id"]): row["count"] >= limits.get(row["metadata_lang"], 0) for row in counts
    }
    found = []
    for row in thresholds:
        language = row["metadata_lang"]
        sums: dict[str, int] = {}
        for side, table in (("in", matched), ("out", manifest)):
            rows = [each for each in table if each["metadata_lang"] == language]
            of_head = [head[language, entry] for each in rows for entry in each["entry_ids"]]
            sums[f"pairs_{side}"] = len(rows)
            sums[f"images_{side}"] = len({each["image_id"] for each in rows})
            sums[f"head_matches_{side}"] = sum(of_head)
            sums[f"tail_matches_{side}"] = len(of_head) - sum(of_head)
        found.append(LanguageTotals(language, row["t"], row["tail_share"], row["expected_pairs"], **sums))
    return tuple(found)


def write_table(path: Path, rows: Rows, schema: pa.Schema) -> PartFile:
    """Writes a Parquet file; returns it for the list of its part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path, write_page_checksum=True)
    return describe(str(path), path.name, len(rows))
