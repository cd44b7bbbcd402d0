"""metaclip-curate datacard: the README with which a run can be published as a data set."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from metaclip_curate.commands.command import RUN_THAT_IS_READ, Command, Given, open_finished_folder
from metaclip_curate.options.datacard import DatacardOptions


def _run(given: Given, words: Sequence[str]) -> None:
    from metaclip_curate.publish.datacard_readme import NAME
    from metaclip_curate.publish.readme_file import dataset_name, write_readme
    from metaclip_curate.run import folder_names

    folder = open_finished_folder(given, "sample")
    name = given["datacard"].name or dataset_name(folder)
    print(write_readme(folder, name))
    files = f'{NAME} {folder_names.DATACARD} "manifest/*"'
    source = f"{shlex.quote(f'ORGANISATION/{name}')} {shlex.quote(folder.root)}"
    print(f"hf upload {source} . --repo-type dataset --include {files}  publishes it")


COMMAND = Command(
    "datacard",
    "write README.md into a run folder, in the form of a Hugging Face data set",
    {**RUN_THAT_IS_READ, "datacard": DatacardOptions},
    _run,
    examples=("--run out", "--run s3://bucket/run --name captions-2025-30"),
)
