"""All options of a curation run in one object."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from metaclip_curate.options.balance import BalanceOptions
from metaclip_curate.options.dedup import DedupOptions
from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.options.extract import ExtractOptions
from metaclip_curate.options.fields import check_lists
from metaclip_curate.options.match import MatchOptions
from metaclip_curate.options.pool import PoolOptions
from metaclip_curate.options.recipe import RecipeOptions
from metaclip_curate.options.report import ReportOptions
from metaclip_curate.options.run import RunOptions
from metaclip_curate.options.sample import SampleOptions
from metaclip_curate.options.screens import ScreenOptions
from metaclip_curate.storage import StorageOptions


@dataclass(frozen=True)
class Options:
    """The options of all stages of a run, in groups.

    Attributes:
        run: The run folder and the Spark session.
        storage: Credentials and limits for reading and writing files.
        recipe: The recipe from which some of the other options come. It is recorded and decides nothing.
        extract: Input files and how they are read.
        pool: Which columns of pools are read.
        dedup: How pairs are deduplicated, and which language each counts as.
        match: The metadata and how texts are matched with it.
        screens: Which pairs are rejected before they are matched.
        balance: How thresholds are chosen.
        draw: Seed and number of texts per image.
        sample: The manifest's files.
        report: Whether a report is written, and of which languages.

    Raises:
        UserError: A string is given in place of a list.
    """

    run: RunOptions = field(default_factory=RunOptions)
    storage: StorageOptions = field(default_factory=StorageOptions)
    recipe: RecipeOptions = field(default_factory=RecipeOptions)
    extract: ExtractOptions = field(default_factory=ExtractOptions)
    pool: PoolOptions = field(default_factory=PoolOptions)
    dedup: DedupOptions = field(default_factory=DedupOptions)
    match: MatchOptions = field(default_factory=MatchOptions)
    screens: ScreenOptions = field(default_factory=ScreenOptions)
    balance: BalanceOptions = field(default_factory=BalanceOptions)
    draw: DrawOptions = field(default_factory=DrawOptions)
    sample: SampleOptions = field(default_factory=SampleOptions)
    report: ReportOptions = field(default_factory=ReportOptions)

    def __post_init__(self) -> None:
        for group in fields(self):
            check_lists(getattr(self, group.name))
