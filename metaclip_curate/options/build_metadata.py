"""The options of `metadata build`: which lists are built, from which sources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import option

BuildStage = Literal["wordnet", "ngrams", "titles", "merge"]
BUILD_STAGES: tuple[BuildStage, ...] = ("wordnet", "ngrams", "titles", "merge")
ListFormat = Literal["txt.zst", "json"]


@dataclass(frozen=True)
class BuildOptions:
    """Which lists are built, from which sources, and where to."""

    languages: tuple[str, ...] = option(
        (),
        "Wikipedia codes of the languages to build, such as de; all: those whose text the sources have",
        metavar="LANG",
        required=True,
        changes_output=False,
        former="language",
    )
    sources: tuple[str, ...] = option(
        (),
        "folders with what `metadata fetch` downloads; --stage merge needs none",
        metavar="PATH",
        required=True,
        changes_output=False,
    )
    output: str = option(
        "", "metadata folder to write, local or s3:// or gs://", metavar="PATH", required=True, changes_output=False
    )
    stage: BuildStage | None = option(None, "run only this stage (default: all of them)", changes_output=False)
    without: tuple[str, ...] = option((), "build without these sources: wordnet, ngrams, titles", metavar="SOURCE")
    with_simple: bool = option(False, "count the Simple English Wikipedia as one of English (default: as one of other)")
    format: ListFormat = option("txt.zst", "format of the lists")

    def __post_init__(self) -> None:
        if not self.output:
            raise UserError("--output is missing: name the metadata folder to write")
        if not self.sources and self.stage != "merge":
            raise UserError("--sources is missing: name a folder with what `metaclip-curate metadata fetch` downloads")
        for source in self.without:
            if source not in BUILD_STAGES[:-1]:
                raise UserError(f"--without takes {', '.join(BUILD_STAGES[:-1])}, not {source}")
        if self.stage in self.without:
            raise UserError(f"--stage {self.stage} and --without {self.stage} exclude each other: give one of them")
