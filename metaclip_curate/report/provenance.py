"""What a run was computed from: options, digests and versions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from metaclip_curate import storage
from metaclip_curate.options.recipe import recipe_words
from metaclip_curate.publish.datacard import read_datacard
from metaclip_curate.run import folder_names
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.stages import STAGES

Tables = dict[str, dict[str, str]]

_DIGESTS = ("metadata_digests", "lid_model_digest", "language_table_digest", "list_digests", "removed_digest")


def provenance(folder: RunFolder, finished: Iterable[str]) -> Tables:
    """Reads what a run has recorded about itself.

    Args:
        folder: A run folder.
        finished: Its finished stages.

    Returns:
        Names and values by title. The command and the versions, which only datacard.json has, need the stage sample.
    """
    tables: Tables = {}
    done = [stage for stage in STAGES if stage in set(finished)]
    for stage in done:
        options = {name: value for name, value in folder.options_of(stage).items() if name not in _DIGESTS}
        if options:
            tables[f"Options of {stage}"] = {name.replace("_", " "): _shown(value) for name, value in options.items()}
    recipes = {stage: recipe for stage in done if (recipe := folder.recipe_of(stage))}
    if recipes:
        tables["Recipe"] = {stage: recipe_words(each.name, each.overridden) for stage, each in recipes.items()}
    digests: dict[str, str] = {}
    if "dedup" in done:
        digests["language-ID model"] = _shown(folder.options_of("dedup").get("lid_model_digest"))
    if "match" in done:
        match = folder.options_of("match")
        digests["language table"] = _shown(match.get("language_table_digest"))
        digests |= dict(sorted(match.get("list_digests", {}).items()))
        digests |= {f"metadata {name}": value for name, value in sorted(match.get("metadata_digests", {}).items())}
    if digests:
        tables["Digests (SHA-256)"] = digests
    tables["Fingerprints of the tables"] = {stage: folder.fingerprint(stage) for stage in done}
    if "sample" in done:
        tables |= _of_datacard(folder)
    return tables


def _of_datacard(folder: RunFolder) -> Tables:
    if not storage.exists(storage.join(folder.root, folder_names.DATACARD), folder.options):
        return {}
    datacard = read_datacard(folder)
    return {
        "Command": {"command": _shown(datacard["command"]), "metadata folder": _shown(datacard["metadata"]["folder"])},
        "Versions": {name: _shown(value) for name, value in datacard["versions"].items()},
    }


def _shown(value: Any) -> str:
    """Returns a value in words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value == [] or value == "":
        return "none"
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_shown(each)}" for name, each in value.items())
    return str(value)
