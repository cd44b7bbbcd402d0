"""metaclip-curate metadata build: lists from Wikipedia, WordNet and page views."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

from metaclip_curate.commands.command import SESSION_ONLY, Command, Given
from metaclip_curate.commands.output import log, print_blocks
from metaclip_curate.console.text_table import number, text_table
from metaclip_curate.options.build_metadata import BuildOptions
from metaclip_curate.options.merge_metadata import MergeOptions
from metaclip_curate.options.ngrams import NgramOptions
from metaclip_curate.options.page_views import PageViewOptions
from metaclip_curate.options.run import RunOptions
from metaclip_curate.options.storage import StorageOptions

_COLUMNS = ("numbers", "wordnet", "unigrams", "bigrams", "titles")


def _run(given: Given, words: Sequence[str]) -> None:
    from metaclip_curate import storage
    from metaclip_curate.pipelines.metadata.build import MetadataBuild
    from metaclip_curate.pipelines.metadata.build_list import BuildSettings
    from metaclip_curate.spark.session import get_session
    from metaclip_curate.storage import command_line

    settings = BuildSettings(given["build"], given["merge"], given["ngrams"], given["storage"], given["page_views"])
    build = MetadataBuild(settings, lambda: get_session(given["session"]), log, command_line(sys.argv))
    built = build.run()
    if built:
        blocks = [summary_table(built), warnings_text(built), storage.join(build.output, "sources.json")]
        print_blocks(*filter(None, blocks))


def summary_table(built: dict[str, dict[str, Any]]) -> str:
    """Lays out the number of entries of each language's list by source, and which wordnet is missing."""
    rows = []
    for language, section in built.items():
        entries: Counter[str] = Counter()
        for source in section["sources"]:
            entries[source["name"]] += source["entries"]
        cells = [number(entries[name]) if name in entries else "not used" for name in _COLUMNS]
        missing = section["files"].get("wordnet", {}).get("missing", "")
        rows.append([language, *cells, number(section["entries"]), f"no wordnet: {missing}" if missing else ""])
    return text_table(["language", *_COLUMNS, "entries", ""], rows, "<" + ">" * 6 + "<")


def warnings_text(built: dict[str, dict[str, Any]]) -> str:
    """Lists the warnings of all lists, one per line; empty if there are none."""
    return "\n".join(
        f"warning: {language}: {warning}" for language, section in built.items() for warning in section["warnings"]
    )


COMMAND = Command(
    "build",
    "build lists from Wikipedia, WordNet and page views, as the papers do",
    {
        "build": BuildOptions,
        "merge": MergeOptions,
        "page_views": PageViewOptions,
        "ngrams": NgramOptions,
        "storage": StorageOptions,
        "session": RunOptions,
    },
    _run,
    examples=(
        "--languages de --sources sources --output lists",
        "--languages all --sources s3://bucket/sources --output s3://bucket/lists --without titles",
    ),
    leave_out=SESSION_ONLY,
    resumes=True,
)
