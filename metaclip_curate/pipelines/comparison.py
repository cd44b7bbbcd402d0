"""What differs between two finished runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from metaclip_curate.inspect.compare import Difference, LanguageChange, differences, language_changes
from metaclip_curate.pipelines.finished_run import FinishedRun
from metaclip_curate.publish.datacard import read_datacard
from metaclip_curate.schemas import MANIFEST
from metaclip_curate.stages.after.compare import compare_manifests


@dataclass(frozen=True)
class Comparison:
    """What differs between two runs.

    Attributes:
        differences: Values of the data cards that differ.
        languages: Numbers of every language in both runs.
        pairs: Examples of pairs that only one of the runs kept; `side` is lost or gained.
    """

    differences: list[Difference]
    languages: list[LanguageChange]
    pairs: list[dict[str, Any]]


def compare_runs(before: FinishedRun, after: FinishedRun, examples: int) -> Comparison:
    """Compares two runs.

    Args:
        before: Run whose pairs are lost or kept.
        after: Run whose pairs are gained or kept.
        examples: Largest number of examples of lost and of gained pairs.
    """
    datacards = [read_datacard(run.folder) for run in (before, after)]
    manifests = [run.read("sample", "manifest", MANIFEST) for run in (before, after)]
    counted, rows = compare_manifests(manifests[0], manifests[1], examples)
    pairs = [{**row, "side": "lost" if row["side"] == 1 else "gained"} for row in rows]
    return Comparison(list(differences(*datacards)), list(language_changes(datacards[0], datacards[1], counted)), pairs)
