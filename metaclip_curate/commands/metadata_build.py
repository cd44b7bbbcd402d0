"""metaclip-curate metadata build: lists from Wikipedia, WordNet and page views."""

from __future__ import annotations

import argparse
from typing import Any

from metaclip_curate import storage
from metaclip_curate.commands.output import tell
from metaclip_curate.console.text_table import number, text_table
from metaclip_curate.options.build_metadata import BuildOptions, MergeOptions
from metaclip_curate.options.command_line import add_options, given_options
from metaclip_curate.options.ngrams import NgramOptions
from metaclip_curate.options.run import RunOptions
from metaclip_curate.spark.session import get_session
from metaclip_curate.storage import StorageOptions

_GROUPS: dict[str, type] = {
    "build": BuildOptions,
    "merge": MergeOptions,
    "ngrams": NgramOptions,
    "storage": StorageOptions,
    "run": RunOptions,
}
_ABOUT = "lists from Wikipedia, WordNet and page views, as MetaCLIP 2 makes them"
_COLUMNS = ("numbers", "wordnet", "unigrams", "bigrams", "titles")


def add(actions: Any) -> None:
    """Adds the command to the subparsers of `metadata`."""
    command = actions.add_parser("build", help=_ABOUT, description=_ABOUT[0].upper() + _ABOUT[1:] + ".")
    for group, options in _GROUPS.items():
        add_options(command, group, options, leave_out=("output",) if group == "run" else ())
    command.set_defaults(handler=_run)


def _run(parsed: argparse.Namespace, command: str) -> None:
    from metaclip_curate.pipelines.metadata.build import MetadataBuild
    from metaclip_curate.pipelines.metadata.build_list import BuildSettings

    given = given_options(parsed, _GROUPS)
    settings = BuildSettings(given["build"], given["merge"], given["ngrams"], given["storage"])
    build = MetadataBuild(settings, lambda: get_session(given["run"]), tell)
    built = build.run()
    if built:
        print()
        print(summary_table(built))
        print()
        print(storage.join(build.output, "sources.json"))


def summary_table(built: dict[str, dict[str, Any]]) -> str:
    """What each language's list came to, with what is missing."""
    rows = []
    for language, section in built.items():
        entries = {source["name"]: source["entries"] for source in section["sources"]}
        cells = [number(entries[name]) if name in entries else "not used" for name in _COLUMNS]
        missing = section["files"].get("wordnet", {}).get("missing", "")
        rows.append([language, *cells, number(section["entries"]), f"no wordnet: {missing}" if missing else ""])
    return text_table(["language", *_COLUMNS, "entries", ""], rows, "<" + ">" * 6 + "<")
