"""metaclip-curate datacard: the README with which a run can be published as a data set."""

from __future__ import annotations

import argparse
import contextlib
import posixpath
from typing import Any

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.options.command_line import add_options, given_options
from metaclip_curate.options.run import RunOptions
from metaclip_curate.options.source import SourceOptions
from metaclip_curate.pipelines.finished_run import FinishedRun
from metaclip_curate.publish.datacard import read_datacard
from metaclip_curate.publish.datacard_readme import MARK, NAME, datacard_readme
from metaclip_curate.run import folder_names
from metaclip_curate.storage import StorageOptions

_GROUPS: dict[str, type] = {"source": SourceOptions, "storage": StorageOptions}
_ABOUT = "write README.md into a run folder, in the form of a Hugging Face data set"


def add(commands: Any) -> None:
    """Adds the command to the subparsers of the command line."""
    command = commands.add_parser("datacard", help=_ABOUT, description=_ABOUT.capitalize() + ".")
    for group, options in _GROUPS.items():
        add_options(command, group, options)
    command.add_argument("--name", default="", help="what the data set is called (default: the run folder's name)")
    command.set_defaults(handler=_run, command="datacard")


def _require_ours(place: str, options: StorageOptions) -> None:
    """Looks that what is replaced was written by this command.

    Raises:
        UserError: It is something else of the same name.
    """
    with contextlib.suppress(FileNotFoundError):
        if MARK.encode() not in storage.read_bytes(place, options):
            raise UserError(f"{place} is there, and this command didn't write it: move it away first")


def _run(parsed: argparse.Namespace, command: str) -> None:
    given = given_options(parsed, _GROUPS)
    folder = FinishedRun(given["source"].run, "sample", given["storage"], RunOptions()).folder
    folder.table_files("sample", "manifest")  # what is published is what was written
    datacard = read_datacard(folder)
    name = parsed.name or posixpath.basename(folder.root.rstrip("/"))
    place = storage.join(folder.root, NAME)
    _require_ours(place, folder.options)
    storage.write_bytes(place, datacard_readme(datacard, name).encode(), folder.options)
    print(place)
    files = f'{NAME} {folder_names.DATACARD} "manifest/*"'
    print(f"hf upload ORGANISATION/{name} {folder.root} . --repo-type dataset --include {files}  publishes it")
