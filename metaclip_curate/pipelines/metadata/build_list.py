"""The last step of a build: writing a merged list and its section in sources.json."""

from __future__ import annotations

import dataclasses
import json
import platform
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from metaclip_curate import __version__
from metaclip_curate.errors import UserError
from metaclip_curate.metadata.building.record import BuildRecord
from metaclip_curate.metadata.lists.writer import BUILD, entries_file, write_list, write_table
from metaclip_curate.metadata.sources.editions import editions_of
from metaclip_curate.options.build_metadata import BuildOptions
from metaclip_curate.options.fields import table_options
from metaclip_curate.options.merge_metadata import Limits, MergeOptions
from metaclip_curate.options.ngrams import NgramOptions
from metaclip_curate.options.page_views import PageViewOptions
from metaclip_curate.pipelines.metadata.build_merge import LanguageMerge
from metaclip_curate.pipelines.metadata.finished_stages import FinishedStages, dates, digested
from metaclip_curate.stages.metadata.merge import pyspark_version
from metaclip_curate.storage import StorageOptions

PAGE_VIEWS_LICENCE = "CC0 1.0"


@dataclass(frozen=True)
class BuildSettings:
    """All options of a build.

    Attributes:
        build: Languages, sources and output.
        merge: Limits of the merge.
        ngrams: Limits of the n-grams.
        storage: Credentials and limits for reading and writing files.
        page_views: Which page views count. Default: those of the preset.
    """

    build: BuildOptions
    merge: MergeOptions
    ngrams: NgramOptions
    storage: StorageOptions
    page_views: PageViewOptions = PageViewOptions()


def write_list_of(language: str, settings: BuildSettings, stages: FinishedStages) -> dict[str, Any]:
    """Merges the sources of a language and writes its list and the table of its entries.

    Args:
        language: The language.
        settings: All options of the build.
        stages: The finished stages.

    Returns:
        The section of the list in sources.json.

    Raises:
        UserError: The list would be empty.
    """
    limits, output = settings.merge.limits(language), settings.build.output
    merge = LanguageMerge(language, limits, editions_of(language, settings.build.with_simple), stages)
    entries = merge.merged.entries
    if not entries:
        raise UserError(f"the list of {language} would be empty: its sources have no entry within the limits")
    stages.steps.own()
    write_table(entries_file(output, language), merge.merged.table(), settings.storage)
    section = write_list(output, language, entries, settings.build.format, settings.storage)
    section |= {
        "made_by": BUILD,
        "wikipedias": merge.wikipedias,
        "sources": [report.as_dict() for report in merge.reports],
        "warnings": merge.warnings,
        "files": stages.files(language),
    }
    if "titles" in stages.used:
        section["pageviews"] = stages.steps.record.fingerprint("titles")
    options = {"merge": _as_json(limits)}
    options |= {"ngrams": table_options(settings.ngrams)} if "ngrams" in stages.used else {}
    several = len(merge.wikipedias) > 1
    lines = [report.line(several) for report in merge.reports]
    for line in [*lines, f"{len(entries):,} entries", *(f"warning: {warning}" for warning in merge.warnings)]:
        stages.steps.log(f"merge/{language}: {line}")
    return section | {"options": options, "versions": _versions()}


def page_views_of(record: BuildRecord) -> dict[str, Any]:
    """Returns the section of sources.json about the pageviews files, which languages share, under a fingerprint."""
    step = record.steps()["titles"]
    pairs = zip(digested(step["sources"]), step["summary"]["files"], strict=True)
    files = [{**each, **stats} for each, stats in pairs]
    described = {
        "licence": PAGE_VIEWS_LICENCE,
        "dates": dates(step["sources"]),
        "options": step["options"],
        "used_of": step["summary"]["used_of"],
        "files": files,
    }
    return {str(record.fingerprint("titles")): described}


def _as_json(limits: Limits) -> dict[str, Any]:
    """Returns limits as JSON types, shares as decimals."""
    values: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(limits), default=float))
    return values


def _versions() -> dict[str, str]:
    return {
        "metaclip_curate": __version__,
        "python": platform.python_version(),
        "pyspark": pyspark_version(),
        "pyarrow": pa.__version__,
    }
