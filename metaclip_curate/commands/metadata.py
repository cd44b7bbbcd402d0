"""metaclip-curate metadata: makes metadata lists and shows what is in them."""

from __future__ import annotations

import dataclasses
import sys
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from metaclip_curate.commands import metadata_build, metadata_fetch
from metaclip_curate.commands.command import Command, CommandGroup, Given
from metaclip_curate.commands.output import print_json
from metaclip_curate.console.text_table import number, share, text_table
from metaclip_curate.options.lists import ImportOptions, ShowOptions, StarterOptions
from metaclip_curate.options.printing import PrintOptions
from metaclip_curate.options.storage import StorageOptions

if TYPE_CHECKING:
    from metaclip_curate.metadata.lists.show import ListShown


def _starter(given: Given, words: Sequence[str]) -> None:
    from metaclip_curate.metadata.sources.starter import build_starter

    options: StarterOptions = given["starter"]
    print(build_starter(options.output, options.languages or None))


def _show(given: Given, words: Sequence[str]) -> None:
    from metaclip_curate.metadata.lists.folder import MetadataFolder
    from metaclip_curate.metadata.lists.show import show_lists

    options: ShowOptions = given["show"]
    lists = show_lists(MetadataFolder.open(options.metadata, given["storage"]), options.languages, options.examples)
    if given["print"].json:
        print_json([dataclasses.asdict(each) for each in lists])
    else:
        warnings = [f"warning: {each.language}: {warning}" for each in lists for warning in each.warnings]
        blocks = [_lists_table(lists), *(_paper_table(each) for each in lists if each.paper), "\n".join(warnings)]
        print("\n\n".join(filter(None, blocks)))


def _lists_table(lists: Sequence[ListShown]) -> str:
    rows = []
    for each in lists:
        several = len({source.wikipedia for source in each.sources} - {""}) > 1
        for source in each.sources:
            scores = ["" if score is None else f"{score:,.10g}" for score in (source.best, source.least)]
            also_in = ", ".join(f"{name} {entries:,}" for name, entries in source.also_in.items())
            name = f"{source.name} of {source.wikipedia}" if several and source.wikipedia else source.name
            cells = [each.language, name, _number(source.candidates), _number(source.limit), number(source.entries)]
            cells += [share(source.entries, each.entries), *scores, source.last or ""]
            rows.append([*cells, also_in, " | ".join(source.examples)])
        rows.append([each.language, "all", "", "", number(each.entries), "", "", "", "", "", each.file])
    header = ["language", "source", "candidates", "limit", "entries", "of all", "best", "least", "last taken"]
    return text_table([*header, "also in", "examples"], rows, "<<>>>>>><<<")


def _paper_table(shown: ListShown) -> str:
    """Compares the number of entries by source with the papers'."""
    entries: Counter[str] = Counter()
    for source in shown.sources:
        entries["wordnet" if source.name == "numbers" else source.name] += source.entries
    names = {name: "numbers and wordnet" if name == "wordnet" else name for name in shown.paper}
    rows = [[title, number(entries[name]), number(shown.paper[name])] for name, title in names.items()]
    rows.append(["all", number(shown.entries), number(sum(shown.paper.values()))])
    return text_table([shown.language, "entries", "in the papers"], rows, "<>>")


def _number(value: int | None) -> str:
    return "" if value is None else number(value)


def _import(given: Given, words: Sequence[str]) -> None:
    from metaclip_curate.metadata.building.import_list import import_list
    from metaclip_curate.run.folder_names import require_no_run, require_writable_folder
    from metaclip_curate.run.owner import RunOwner
    from metaclip_curate.storage import command_line

    options: ImportOptions = given["import"]
    require_writable_folder(options.output)
    require_no_run(options.output, given["storage"])
    owner = RunOwner(options.output, given["storage"], command_line(sys.argv))
    with owner.working():
        taken = import_list(
            options.file, options.output, options.language, options.format, given["storage"], owner.require
        )
    print(f"{taken.file}: {taken.entries:,} entries, {taken.repeats:,} of them repeats, {taken.empty:,} empty")


_SHOW = Command(
    "show",
    "show a metadata folder's entries by source, with examples and overlaps",
    {"show": ShowOptions, "storage": StorageOptions, "print": PrintOptions},
    _show,
    examples=("--metadata lists", "--metadata lists --languages de,fr --examples 20"),
)
_IMPORT = Command(
    "import",
    "import a list from elsewhere, such as MetaCLIP's metadata.json",
    {"import": ImportOptions, "storage": StorageOptions},
    _import,
    examples=("metadata.json --output lists", "woerter.txt --language de --output s3://bucket/lists"),
)
_STARTER = Command(
    "starter",
    "build starter lists from the word frequencies of the PyPI package wordfreq",
    {"starter": StarterOptions},
    _starter,
    examples=("--output metadata-starter", "--output metadata-starter --languages en,de"),
)
COMMANDS = CommandGroup(
    "metadata",
    "make metadata lists, and show what is in them",
    (metadata_build.COMMAND, metadata_fetch.COMMAND, _SHOW, _IMPORT, _STARTER),
    metavar="ACTION",
    examples=("starter --output metadata-starter", "show --metadata metadata-starter --languages en"),
)
