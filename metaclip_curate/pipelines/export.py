"""A finished run in the formats of other tools."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from metaclip_curate import storage
from metaclip_curate.options.export import ExportFormat, ExportOptions
from metaclip_curate.pipelines.finished_run import FinishedRun
from metaclip_curate.publish.export import write_uid_file
from metaclip_curate.publish.lance_dataset import write_lance
from metaclip_curate.run import folder_names
from metaclip_curate.run.stages import remedy
from metaclip_curate.run.summaries import BalanceSummary, SampleSummary
from metaclip_curate.schemas import COUNTS, MANIFEST, MATCHED, with_kept
from metaclip_curate.stages.after.export import (
    pool_ids,
    prefix_digits,
    uid_part_name,
    write_probabilities,
    write_shards,
    write_uid_parts,
)
from metaclip_curate.storage.parquet_input import open_parquet

_SUMMARY = "export.json"
_SHARDS, _PARTS, _UIDS, _IDS = "pkg_json", "parts", "uids.npy", "ids.txt"
_LANCE = "manifest.lance"
# The last stage that each format needs.
EXPORTED_STAGE: dict[ExportFormat, str] = {
    "metaclip": "balance",
    "datacomp": "sample",
    "ids": "sample",
    "lance": "sample",
}


def export(run: FinishedRun, options: ExportOptions, command: str = "") -> dict[str, Any]:
    """Writes a run in another format.

    Args:
        run: Run that is finished up to the format's stage in `EXPORTED_STAGE`.
        options: Format and folder to write.
        command: Command line, for export.json.

    Returns:
        Content of export.json, which is written last: a folder without it is incomplete.

    Raises:
        UserError: The folder to write isn't empty, or is a file.
    """
    folder_names.require_empty_folder(options.output, run.folder.options)
    of_manifest = _OF_MANIFEST.get(options.format)
    content = of_manifest(run, options.output) if of_manifest else _metaclip(run, options)
    summary = {
        "format": options.format,
        "run": run.folder.root,
        "fingerprint": run.folder.fingerprint(EXPORTED_STAGE[options.format]),
        "command": command,
        **content,
    }
    data = json.dumps(summary, indent=1, ensure_ascii=False).encode() + b"\n"
    storage.write_bytes(storage.join(options.output, _SUMMARY), data, run.folder.options)
    return summary


def _metaclip(run: FinishedRun, options: ExportOptions) -> dict[str, Any]:
    rows = {row.metadata_lang: row for row in run.folder.summary(BalanceSummary).languages}
    balance = run.folder.options_of("balance")
    anchor = rows.get(balance["anchor_language"])
    # One number names the files of all languages: t of the anchor, which with --tail-share isn't the option's.
    t = anchor.t if anchor and balance["tail_share"] is not None else int(balance["t"])
    thresholds = {language: row.t for language, row in rows.items()}
    entries = write_probabilities(
        run.read("count", "counts", COUNTS), thresholds, t, options.output, run.folder.options
    )
    matched = run.read_staying("match", "matched", MATCHED)
    shards = max(1, -(-matched.select("image_id").distinct().count() // options.images_per_shard))
    images, texts = write_shards(matched, shards, storage.join(options.output, _SHARDS), run.folder.options)
    return {
        "t": t,
        "shards": shards,
        "images": images,
        "texts": texts,
        "entries": sum(entries.values()),
        "languages": {language: {"t": thresholds[language], "entries": entries[language]} for language in sorted(rows)},
        "metadata_sha256": run.folder.options_of("count")["metadata_digests"],
    }


def _datacomp(run: FinishedRun, output: str) -> dict[str, Any]:
    manifest, folder = pool_ids(run.read("sample", "manifest", MANIFEST)), storage.join(output, _PARTS)
    digits = prefix_digits(run.folder.summary(SampleSummary).pairs)
    parts = write_uid_parts(manifest, digits, folder, run.folder.options)
    uids = sum(count for _, count in parts)

    def bytes_of_parts() -> Iterator[bytes]:
        for prefix, _ in parts:
            yield storage.read_bytes(storage.join(folder, uid_part_name(prefix)), run.folder.options)

    with tempfile.TemporaryDirectory() as temporary:
        local = Path(temporary) / _UIDS
        with local.open("wb") as file:
            write_uid_file(file, uids, bytes_of_parts())
        storage.upload_file(str(local), storage.join(output, _UIDS), run.folder.options)
    storage.delete_folder(folder, run.folder.options)
    return {"uids": uids}


def _ids(run: FinishedRun, output: str) -> dict[str, Any]:
    """Writes the pool's id of each pair, or the uid of one without, in the manifest's order."""
    ids = 0
    with tempfile.TemporaryDirectory() as temporary:
        local = Path(temporary) / _IDS
        with local.open("w", encoding="utf-8", newline="") as text:
            for table in _manifest_files(run, ["source_id", "uid"]):
                text.writelines(f"{own or uid}\n" for own, uid in zip(*table.to_pydict().values(), strict=True))
                ids += len(table)
        storage.upload_file(str(local), storage.join(output, _IDS), run.folder.options)
    return {"ids": ids}


def _lance(run: FinishedRun, output: str) -> dict[str, Any]:
    schema = with_kept(MANIFEST, run.folder.kept_columns())
    batches = (batch for table in _manifest_files(run, schema.names) for batch in table.cast(schema).to_batches())
    return {"rows": write_lance(schema, batches, storage.join(output, _LANCE))}


_OF_MANIFEST: dict[ExportFormat, Callable[[FinishedRun, str], dict[str, Any]]] = {
    "datacomp": _datacomp,
    "ids": _ids,
    "lance": _lance,
}


def _manifest_files(run: FinishedRun, columns: list[str]) -> Iterator[pa.Table]:
    for file in run.folder.table_files("sample", "manifest"):
        with open_parquet(file.url, run.folder.options, remedy("sample"), columns) as parquet:
            yield parquet.read(columns)
