"""A few pairs of a language or with an entry, kept or dropped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pds

from metaclip_curate import balance
from metaclip_curate.errors import UserError
from metaclip_curate.matching.normalization import normalize_entries
from metaclip_curate.options.browse import BrowseOptions
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.removed_table import removals
from metaclip_curate.run.summaries import BalanceSummary
from metaclip_curate.run.tables import LanguageCounts, language_counts, open_table
from metaclip_curate.schemas import MANIFEST, MATCHED
from metaclip_curate.screens.removed import DECIDING, RemovedScreen

# Files are read until they have this many candidates for each requested pair.
_CANDIDATES_PER_PAIR = 50
_LANGUAGE = "metadata_lang"
_SHOWN = ["uid", "url", "text", "lang", "lang_score", "page_url", "entry_ids"]


def browse(folder: RunFolder, options: BrowseOptions) -> list[dict[str, Any]]:
    """Samples pairs by a hash of (seed, uid), so that the same run and seed give the same pairs.

    The sample comes from the first files that have 50 times the requested number of pairs, so that a large run isn't
    read whole.

    Args:
        folder: A run folder with all stages finished.
        options: The language, the entry, and the number of pairs.

    Returns:
        At most that number of rows of uid, url, text, lang, lang_score, page_url, entries, keep_probability and draw.

    Raises:
        UserError: Nothing of the language matched, or the entry isn't in its metadata.
    """
    entry_ids = _ids_of(options, _counts_of(options.language, folder), folder) if options.language else None
    manifest = open_table(folder, "sample", "manifest", MANIFEST)
    table = open_table(folder, "match", "matched", MATCHED) if options.dropped else manifest
    removed = removals(folder) if options.dropped else ()
    screen = RemovedScreen(removed)
    candidates: list[str] = []
    for fragment in table.get_fragments():
        uids = _uids(fragment, options.language, entry_ids)
        if options.dropped and len(uids):
            kept = manifest.to_table(columns=["uid"], filter=pc.field("uid").isin(uids)).column("uid").combine_chunks()
            uids = uids.filter(pc.invert(pc.is_in(uids, value_set=kept)))
            uids = _staying(fragment, uids, screen) if removed else uids
        candidates += uids.to_pylist()
        if len(candidates) >= _CANDIDATES_PER_PAIR * options.number:
            break
    if not candidates:
        return []
    order = np.argsort(balance.order_keys(candidates, options.seed), kind="stable")[: options.number]
    chosen = [candidates[index] for index in order.tolist()]
    return _rows(table, chosen, folder)


def _counts_of(language: str, folder: RunFolder) -> LanguageCounts:
    found = language_counts(folder, language)
    if found is None:
        names = ", ".join(folder.summary(BalanceSummary).thresholds)
        raise UserError(f"{folder.root} has no matched text of the language {language}: it has {names}")
    return found


def _ids_of(options: BrowseOptions, of_language: LanguageCounts, folder: RunFolder) -> npt.NDArray[np.int32] | None:
    """Returns the ids of the entry, which can be in a list more than once; None for any entry."""
    if not options.entry:
        return None
    normalize = folder.options_of("match")["normalize"]
    requested, *entries = normalize_entries([options.entry, *of_language.entries], normalize)
    ids = [number for number, entry in enumerate(entries) if entry and entry == requested]
    if not ids:
        raise UserError(
            f"the metadata of {options.language} that {folder.root} was matched with has no entry {options.entry!r}: "
            "case counts"
        )
    return np.array(ids, dtype=np.int32)


def _uids(fragment: pds.Fragment, language: str, entry_ids: npt.NDArray[np.int32] | None) -> pa.Array:
    """Returns the uids of a file's pairs of a language, or of any, that contain one of the entries."""
    of_language = pc.field("metadata_lang") == language if language else None
    rows = fragment.to_table(columns=["uid", "entry_ids"], filter=of_language).combine_chunks()
    if not rows.num_rows:
        return pa.array([], pa.string())
    uids, lists = rows.column("uid").chunk(0), rows.column("entry_ids").chunk(0)
    if entry_ids is None:
        return uids
    hit = np.isin(lists.flatten().to_numpy(zero_copy_only=False), entry_ids)
    return uids.take(pc.unique(pc.list_parent_indices(lists).filter(pa.array(hit))))


def _staying(fragment: pds.Fragment, uids: pa.Array, screen: RemovedScreen) -> pa.Array:
    """Returns those of a file's pairs that weren't taken down. They are in the table until they are purged."""
    rows = fragment.to_table(columns=list(DECIDING), filter=pc.field("uid").isin(uids)).combine_chunks()
    staying = [batch.column("uid").filter(pa.array(~screen.rejects_rows(batch))) for batch in rows.to_batches()]
    return pa.chunked_array(staying, pa.string()).combine_chunks()


def _rows(table: pds.Dataset, uids: list[str], folder: RunFolder) -> list[dict[str, Any]]:
    found = table.to_table(columns=[*_SHOWN, _LANGUAGE], filter=pc.field("uid").isin(uids))
    seed = int(folder.options_of("sample")["seed"])
    rows = {}
    # One language at a time, since a list can have a million entries.
    for language in pc.unique(found.column(_LANGUAGE)).to_pylist():
        of_language = found.filter(pc.field(_LANGUAGE) == language).drop_columns(_LANGUAGE).combine_chunks()
        for row in _explained(of_language, _counts_of(language, folder), seed):
            rows[row["uid"]] = row
    return [rows[uid] for uid in uids]


def _explained(found: pa.Table, counts: LanguageCounts, seed: int) -> Iterator[dict[str, Any]]:
    """Adds entries, probabilities and draws to pairs of one language."""
    probabilities = balance.entry_probabilities(counts.counts, counts.t or 1)
    keep = balance.keep_probabilities(found.column("entry_ids").chunk(0), probabilities).tolist()
    draws = balance.draws(found.column("uid").chunk(0), seed).tolist()
    for row, keep_probability, draw in zip(found.to_pylist(), keep, draws, strict=True):
        row["entries"] = [counts.entries[entry_id] for entry_id in row.pop("entry_ids")]
        yield row | {"keep_probability": keep_probability, "draw": draw}
