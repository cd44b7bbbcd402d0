"""The options of `explore`."""

from __future__ import annotations

from dataclasses import dataclass

from metaclip_curate.options.fields import check_range, option

_LARGEST_PORT = 65_535


@dataclass(frozen=True)
class ExploreOptions:
    """How a run is shown in the browser."""

    port: int = option(
        8765, "port of this computer for the page; 0 takes any free one", metavar="N", changes_output=False
    )
    images: str = option(
        "",
        "local folder that `download` wrote (webdataset), whose images are shown beside their pairs",
        metavar="PATH",
        changes_output=False,
    )
    pairs: int = option(
        20_000_000,
        "most pairs that are read; of a larger run a sample by uid, which is the same each time",
        metavar="N",
        changes_output=False,
    )
    language_table: str = option(
        "",
        "CSV from language-ID labels to metadata languages that the run used (default: the one in the package)",
        metavar="PATH",
        changes_output=False,
    )

    def __post_init__(self) -> None:
        check_range("port", self.port, 0, _LARGEST_PORT)
        check_range("pairs", self.pairs, 1)
