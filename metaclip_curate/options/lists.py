"""The options of the small commands about metadata lists: `metadata show`, `import` and `starter`."""

from __future__ import annotations

from dataclasses import dataclass

from metaclip_curate.errors import UserError
from metaclip_curate.options.build_metadata import ListFormat
from metaclip_curate.options.fields import argument, check_range, option


@dataclass(frozen=True)
class ShowOptions:
    """Which lists of a metadata folder are shown."""

    metadata: str = option("", "metadata folder", metavar="PATH", required=True, changes_output=False)
    languages: tuple[str, ...] = option(
        (), "show only these languages (default: all)", metavar="LANG", changes_output=False, former="language"
    )
    examples: int = option(5, "number of examples of each source", metavar="N", changes_output=False)

    def __post_init__(self) -> None:
        if not self.metadata:
            raise UserError("--metadata is missing: name a metadata folder")
        check_range("examples", self.examples, 0)


@dataclass(frozen=True)
class ImportOptions:
    """The list that is imported, and where it goes."""

    file: str = argument("JSON list of strings, or text file with an entry in each line", metavar="FILE")
    output: str = option(
        "", "metadata folder to write the list to", metavar="PATH", required=True, changes_output=False
    )
    language: str = option("en", "metadata language of the list", metavar="LANG", changes_output=False)
    format: ListFormat | None = option(
        None, "format of the list (default: txt.zst, or json if an entry has a line break)", changes_output=False
    )

    def __post_init__(self) -> None:
        if not self.output:
            raise UserError("--output is missing: name a metadata folder")


@dataclass(frozen=True)
class StarterOptions:
    """Which starter lists are written, and where to."""

    output: str = option(
        "", "folder to write LANG.txt files to", metavar="PATH", required=True, changes_output=False, former="out"
    )
    languages: tuple[str, ...] = option(
        (), "write only these languages (default: all)", metavar="LANG", changes_output=False
    )

    def __post_init__(self) -> None:
        if not self.output:
            raise UserError("--output is missing: name the folder to write the lists to")
