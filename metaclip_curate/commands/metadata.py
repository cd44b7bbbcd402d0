"""metaclip-curate metadata: making lists and looking into them."""

from __future__ import annotations

import argparse
import dataclasses
from dataclasses import dataclass
from typing import Any

from metaclip_curate.commands import metadata_build, metadata_fetch
from metaclip_curate.commands.output import print_json
from metaclip_curate.console.text_table import number, share, text_table
from metaclip_curate.errors import UserError
from metaclip_curate.options.build_metadata import ListFormat
from metaclip_curate.options.command_line import add_options, given_options
from metaclip_curate.options.fields import option
from metaclip_curate.storage import StorageOptions


@dataclass(frozen=True)
class ShowOptions:
    """What is shown."""

    metadata: str = option("", "the metadata folder", changes_output=False)
    language: tuple[str, ...] = option((), "only these languages (default: all)", changes_output=False)
    examples: int = option(5, "how many examples of each source", changes_output=False)
    json: bool = option(False, "print JSON", changes_output=False)

    def __post_init__(self) -> None:
        if not self.metadata:
            raise UserError("--metadata is missing: name a metadata folder")
        if self.examples < 0:
            raise UserError(f"--examples must be at least 0, not {self.examples}")


@dataclass(frozen=True)
class ImportOptions:
    """Where a list goes."""

    output: str = option("", "the metadata folder to write the list to", changes_output=False)
    language: str = option("en", "the metadata language whose list it is", changes_output=False)
    format: ListFormat | None = option(
        None, "the format to write (default: txt.zst, or json where an entry has a line break)", changes_output=False
    )

    def __post_init__(self) -> None:
        if not self.output:
            raise UserError("--output is missing: name a metadata folder")


_SHOW: dict[str, type] = {"show": ShowOptions, "storage": StorageOptions}
_IMPORT: dict[str, type] = {"import": ImportOptions, "storage": StorageOptions}


def add(commands: Any) -> None:
    """Adds the commands to the subparsers of the command line."""
    metadata = commands.add_parser("metadata", help="make metadata", description="Make metadata.")
    actions = metadata.add_subparsers(required=True, metavar="ACTION")
    metadata_build.add(actions)
    metadata_fetch.add(actions)
    _add(actions, "show", "a folder's entries by source, examples, overlaps", _SHOW, _show)
    importing = _add(
        actions, "import", "take a list from elsewhere, such as MetaCLIP's metadata.json", _IMPORT, _import
    )
    importing.add_argument("file", metavar="FILE", help="a JSON list of strings, or a text file with an entry a line")
    about = "build the starter metadata from the word frequencies of the PyPI package wordfreq"
    starter = _add(actions, "starter", about, {}, _starter)
    starter.add_argument("--out", required=True, help="the folder to write <lang>.txt files to")
    starter.add_argument("--languages", help="only these, with commas between (default: all)")


def _add(actions: Any, name: str, about: str, groups: dict[str, type], handler: Any) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = actions.add_parser(
        name, help=about, description=about[0].upper() + about[1:] + "."
    )
    for group, options in groups.items():
        add_options(command, group, options)
    command.set_defaults(handler=handler)
    return command


def _starter(parsed: argparse.Namespace, command: str) -> None:
    from metaclip_curate.metadata.sources.starter import build_starter

    languages = parsed.languages.split(",") if parsed.languages else None
    print(build_starter(parsed.out, languages))


def _show(parsed: argparse.Namespace, command: str) -> None:
    from metaclip_curate.metadata.lists.folder import MetadataFolder
    from metaclip_curate.metadata.lists.show import show_lists

    given = given_options(parsed, _SHOW)
    options: ShowOptions = given["show"]
    lists = show_lists(MetadataFolder.open(options.metadata, given["storage"]), options.language, options.examples)
    if options.json:
        print_json([dataclasses.asdict(each) for each in lists])
        return
    rows = []
    for each in lists:
        for source in each.sources:
            scores = ["" if score is None else f"{score:,.10g}" for score in (source.best, source.least)]
            also_in = ", ".join(f"{name} {entries:,}" for name, entries in source.also_in.items())
            cells = [each.language, source.name, number(source.entries), share(source.entries, each.entries)]
            rows.append([*cells, *scores, also_in, " | ".join(source.examples)])
        rows.append([each.language, "all", number(each.entries), "", "", "", "", each.file])
    header = ["language", "source", "entries", "of all", "best", "least", "also in", "examples"]
    print(text_table(header, rows, "<<>>>><<"))


def _import(parsed: argparse.Namespace, command: str) -> None:
    from metaclip_curate.metadata.building.import_list import import_list

    given = given_options(parsed, _IMPORT)
    options: ImportOptions = given["import"]
    taken = import_list(parsed.file, options.output, options.language, options.format, given["storage"])
    print(f"{taken.file}: {taken.entries:,} entries, {taken.repeats:,} of them repeats, {taken.empty:,} empty")
