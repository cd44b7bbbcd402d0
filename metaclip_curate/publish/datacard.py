"""datacard.json: what the manifest was computed from, by which options, and with which result.

It is in the run folder beside `manifest/` and not in it, since pandas and Spark read every file of a folder.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.run import folder_names
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.record import to_json
from metaclip_curate.run.selections import Selections
from metaclip_curate.run.stages import STAGES, remedy
from metaclip_curate.run.summaries import BalanceSummary, DedupSummary, ExtractSummary, LanguageTotals, MatchSummary

_FORMAT = 1
_PACKAGES = ("metaclip-curate", "pyarrow", "numpy", "ahocorasick-rs", "ada-url", "msgspec", "fasttext-new")


def build_datacard(
    folder: RunFolder, languages: Sequence[LanguageTotals], provenance: dict[str, Any]
) -> dict[str, Any]:
    """Builds the data card.

    Args:
        folder: A run folder with all stages but the last finished.
        languages: Totals from `stages.after.datacard.language_totals`.
        provenance: The command, the version of Spark, and the metadata folder.

    Returns:
        The data card as JSON types.
    """
    options = {stage: folder.options_of(stage) for stage in STAGES}
    digests = options["match"].pop("metadata_digests", {})
    options["count"].pop("metadata_digests", None)
    match = folder.summary(MatchSummary)
    totals = ("pairs_in", "images_in", "pairs_out", "images_out")
    return {
        "format": _FORMAT,
        "seed": options["sample"]["seed"],
        "command": provenance["command"],
        "options": options,
        "recipe": {stage: to_json(recipe) for stage in STAGES if (recipe := folder.recipe_of(stage))} or None,
        "inputs": to_json(folder.summary(ExtractSummary)),
        # Which pages of a crawl were chosen by its columnar index, by the selections' names.
        "selections": Selections(folder).queries(),
        "distinct": folder.summary(DedupSummary).distinct,
        # Pairs that screens rejected, by reason, and of those for their host's policy, by rule. A rebalanced run has
        # those of the runs before as well.
        "screened": match.screened_in_all,
        "policy_rules": match.policy_rules,
        # What was taken down: the number of requests' values, and of pairs that left a finished manifest.
        "removed": {"values": sum(file.rows for file in folder.removed_files), "pairs": 0},
        "no_metadata": match.no_metadata,
        # Only a rebalanced run has losses in the download.
        "download": to_json(match.download),
        "expected_pairs": folder.summary(BalanceSummary).expected_pairs,
        **{name: sum(getattr(row, name) for row in languages) for name in totals},
        "languages": to_json(languages),
        "metadata": {"folder": provenance["metadata"], "sha256": digests},
        "language_id_model_sha256": options["dedup"]["lid_model_digest"],
        "versions": {"python": platform.python_version(), "spark": provenance["spark"], **_versions()},
    }


def with_removals(folder: RunFolder, languages: Sequence[LanguageTotals], values: int, pairs: int) -> dict[str, Any]:
    """Returns the data card of a finished run after pairs left its manifest.

    Args:
        folder: The run folder.
        languages: Totals without these pairs.
        values: Number of uids, URLs, hosts and image ids that were removed.
        pairs: Number of pairs that are left.
    """
    datacard = read_datacard(folder)
    gone = datacard.get("removed", {}).get("pairs", 0) + datacard["pairs_out"] - pairs
    totals = {name: sum(getattr(row, name) for row in languages) for name in ("pairs_out", "images_out")}
    return datacard | totals | {"languages": to_json(languages), "removed": {"values": values, "pairs": gone}}


def read_datacard(folder: RunFolder) -> dict[str, Any]:
    """Reads the data card of a finished run.

    Raises:
        UserError: The run has no data card, or it is damaged.
    """
    url = storage.join(folder.root, folder_names.DATACARD)
    try:
        datacard: dict[str, Any] = json.loads(storage.read_bytes(url, folder.options))
        if datacard["format"] == _FORMAT and datacard["languages"] is not None:
            return datacard
        wrong = f"it is of format {datacard['format']}, not {_FORMAT}"
    except FileNotFoundError:
        wrong = "there is none"
    except (ValueError, KeyError, TypeError):
        wrong = "it is damaged"
    raise UserError(f"{url} can't be read, {wrong}: {remedy('sample')}")


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
