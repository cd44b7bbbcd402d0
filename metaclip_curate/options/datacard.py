"""The options of `datacard`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import option

# The rules of huggingface_hub.utils.validate_repo_id.
_NAME = re.compile(r"(?!.*(--|\.\.))(?!.*\.git$)[A-Za-z0-9_]([A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?", re.ASCII)


@dataclass(frozen=True)
class DatacardOptions:
    """How the README describes the data set."""

    name: str = option(
        "", "name of the data set (default: name of the run folder)", metavar="NAME", changes_output=False
    )

    def __post_init__(self) -> None:
        if self.name and not _NAME.fullmatch(self.name):
            raise UserError(
                f"--name {self.name} can't be the name of a Hugging Face data set: use at most 96 letters, digits and "
                "_ - . with a letter, a digit or _ at both ends, without -- and .., and not .git as the ending"
            )
