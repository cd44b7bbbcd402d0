"""metaclip-curate remove: takes pairs down from a run and from every later manifest of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from metaclip_curate.commands.command import Command, Given, recorded
from metaclip_curate.commands.output import log_of, print_blocks, print_json
from metaclip_curate.console.text_table import number, text_table
from metaclip_curate.errors import UserError
from metaclip_curate.options.printing import PrintOptions
from metaclip_curate.options.remove import RemoveOptions
from metaclip_curate.options.storage import StorageOptions


def _run(given: Given, words: Sequence[str]) -> None:
    from metaclip_curate.pipelines.removal import Remover
    from metaclip_curate.run.folder import RunFolder
    from metaclip_curate.run.owner import RunOwner
    from metaclip_curate.screens.removal_list import read_removals
    from metaclip_curate.screens.removed import KINDS

    options: RemoveOptions = given["remove"]
    folder = RunFolder(options.run, given["storage"], RunOwner(options.run, given["storage"], recorded(words)))
    folder.require("extract")
    files = {kind: path for kind in KINDS if (path := getattr(options, kind))}
    if not files and not options.purge and not folder.removing:
        raise UserError("nothing to remove: name a file with --uid, --url, --host or --image-id")
    requested = [each for kind, path in files.items() for each in read_removals(kind, path, given["storage"])]
    result = Remover(folder, log_of(given["print"])).remove(requested, options.reason, options.purge)
    if given["print"].json:
        print_json(dataclasses.asdict(result))
        return
    rows = [
        ["uids, URLs, hosts and image ids that are removed", number(sum(file.rows for file in folder.removed_files))],
        *([["  added by this command", number(result.added)]] if files else []),
        ["pairs that left the manifest", number(result.pairs)],
        ["files of the manifest that were written again", number(result.files)],
        *([f"rows that left {table}", number(pairs)] for table, pairs in result.purged.items()),
    ]
    print_blocks(text_table(["", "number"], rows, "<>"))


COMMAND = Command(
    "remove",
    "take pairs down from a run's manifest, and keep them out of every later one",
    {"remove": RemoveOptions, "storage": StorageOptions, "print": PrintOptions},
    _run,
    examples=(
        '--run out --host hosts.txt --reason "request of the site\'s owner"',
        '--run out --uid uids.txt --reason "private photos" --purge',
    ),
    resumes=True,
)
