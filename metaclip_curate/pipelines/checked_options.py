"""The options of each stage as run.json records them, after what the user gave was checked.

Each method raises a UserError if an input, a list of metadata or an option is wrong, or differs from what the run
folder was made with. None of them reads an input file or changes the run folder.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.language import LanguageIdentifier, LanguageTable, load_language_table
from metaclip_curate.options.extract import INDEX_PREFIX
from metaclip_curate.options.fields import table_options
from metaclip_curate.pipelines.options import Options
from metaclip_curate.pipelines.pool_inputs import PoolInputs
from metaclip_curate.pipelines.run_metadata import RunMetadata
from metaclip_curate.pipelines.run_screens import RunScreens
from metaclip_curate.pipelines.selection import PageSelector
from metaclip_curate.run import folder_names
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.option_changes import LIST_DIGESTS
from metaclip_curate.run.summaries import MatchSummary
from metaclip_curate.schemas import Kept, kept_columns

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class CheckedOptions:
    """The options of a run's stages, each checked against the user's files and the run folder.

    Args:
        options: The options of the command.
        folder: The run folder.
        session: Returns the session, whose workers read metadata lists that are too many for the driver.
        log: Receives warnings.
    """

    def __init__(
        self,
        options: Options,
        folder: RunFolder,
        session: Callable[[], SparkSession],
        log: Callable[[str], None] = print,
    ) -> None:
        self._options = options
        self._folder = folder
        self._session = session
        self._log = log

    @cached_property
    def inputs(self) -> storage.Inputs:
        """The input files that --input names."""
        given = [each for each in self._options.extract.input if not each.startswith(INDEX_PREFIX)]
        if not self._options.extract.input:
            raise UserError("--input is missing: name WAT files, folders, globs or lists of them")
        if not given:
            return storage.Inputs(())
        return storage.expand_inputs(given, self._options.storage, self._options.draw.seed)

    @cached_property
    def page_selector(self) -> PageSelector:
        """The pages that inputs `cc-index:` choose."""
        extract = self._options.extract
        specs = [each for each in extract.input if each.startswith(INDEX_PREFIX)]
        return PageSelector(specs, extract, self._options.draw.seed, self._folder)

    @cached_property
    def metadata(self) -> RunMetadata:
        """The lists of entries that --metadata names."""
        if self._options.match.metadata:
            folder_names.require_apart(self._folder.root, self._options.match.metadata)
        return RunMetadata(self._options.match, self._options.storage, self._session)

    @cached_property
    def language_table(self) -> LanguageTable:
        """The table from language labels to metadata languages."""
        return load_language_table(self._options.match.language_table or None)

    @cached_property
    def screens(self) -> RunScreens:
        """The screens, and the lists that they look up."""
        languages = frozenset(self.language_table.labels.values())
        return RunScreens(self._options.screens, self._options.storage, languages, self._log)

    def extract(self) -> dict[str, Any]:
        """Checks the inputs and returns the options of extract."""
        self.page_selector.check()
        folder_names.require_outside(self._folder.root, self.inputs.names, self._options.storage)
        options = table_options(self._options.extract) | table_options(self._options.pool)
        self._checked("extract", options | {"kept_types": self._folder.options_of("extract").get("kept_types", [])})
        self.kept_columns  # noqa: B018 (no two of them may have one name)
        return options | {"kept_types": self._kept_types}

    @cached_property
    def pool_inputs(self) -> PoolInputs:
        """The pools among the input files."""
        return PoolInputs(self.inputs, self._options.pool, self._options.storage)

    @property
    def kept_columns(self) -> Kept:
        """The kept columns of pools, as the inputs have them or, if the run has some already, as these have them."""
        return kept_columns(self._options.pool.keep_columns, self._kept_types)

    @cached_property
    def _kept_types(self) -> list[str]:
        # Those of the first file count, also when the run grows.
        return self.pool_inputs.kept_types(self._folder.options_of("extract").get("kept_types"))

    def dedup(self) -> dict[str, Any]:
        """Checks the language-ID model and returns the options of dedup."""
        options = table_options(self._options.dedup) | {"lid_model_digest": self._lid_model_digest}
        return self._checked("dedup", options)

    @cached_property
    def _lid_model_digest(self) -> str:
        return LanguageIdentifier(self._options.dedup.lid_model or None).digest

    def kept(self, stage: str) -> None:
        """Checks that the options of a stage that isn't repeated are those of the run.

        Only metadata in another folder than the run's is read for that.
        """
        options = self._options
        given = {
            "extract": (options.extract, options.pool),
            "dedup": (options.dedup,),
            "match": (options.match, options.screens),
            "count": (),
            "balance": (options.balance,),
        }
        found = {name: value for each in given[stage] for name, value in table_options(each).items()}
        if stage == "match" and options.match.metadata not in ("", self._folder.summary(MatchSummary).metadata):
            found["metadata_digests"] = self.metadata.digests
        self._checked(stage, self._folder.options_of(stage) | found)

    def require_metadata(self) -> None:
        """Checks that --metadata names a folder of lists, without reading the lists."""
        self.metadata.folder  # noqa: B018 (opening it is the check)

    def match(self) -> dict[str, Any]:
        """Checks the metadata and the lists of the screens, and returns the options of match."""
        digests = {
            "metadata_digests": self.metadata.digests,
            "language_table_digest": self.language_table.digest,
            LIST_DIGESTS: self.screens.digests,
        }
        options = table_options(self._options.match) | table_options(self._options.screens) | digests
        recorded = self._folder.options_of("match").get("removed_digest", "")
        self._checked("match", options | {"removed_digest": recorded})
        return options | {"removed_digest": self._folder.removed_digest}

    def knows_removals(self) -> bool:
        """Returns whether the stage match, if it was begun, keeps out all that was removed."""
        recorded = self._folder.options_of("match")
        if "rebalanced from" in recorded:  # such a run takes what was removed out of its manifest
            return True
        return not recorded or recorded.get("removed_digest", "") == self._folder.removed_digest

    def require_removals(self, stage: str) -> None:
        """Checks before a later stage that match keeps out all that was removed.

        Raises:
            UserError: Something was removed since.
        """
        if not self.knows_removals():
            raise UserError(
                f"pairs were removed from {self._folder.root} since it was matched: run `metaclip-curate match "
                f"--output {self._folder.root}` with its options before {stage}"
            )

    def count(self) -> dict[str, Any]:
        """Checks that the options of match and the metadata are those of the run, and returns the options of count."""
        options = {"metadata_digests": self.metadata.digests}
        self._checked("match", self._folder.options_of("match") | table_options(self._options.match) | options)
        return self._checked("count", options)

    def balance(self) -> dict[str, Any]:
        """Checks that the matched metadata hasn't changed and returns the options of balance."""
        self._check_matched_metadata()
        return self._checked("balance", table_options(self._options.balance) | self._balance_draw())

    def sample(self) -> dict[str, Any]:
        """Checks that the matched metadata hasn't changed and returns the options of sample."""
        self._check_matched_metadata()
        self._checked("balance", self._folder.options_of("balance") | self._balance_draw())
        return self._checked("sample", table_options(self._options.sample) | table_options(self._options.draw))

    def check_anchor(self) -> None:
        """Checks that there is metadata of the anchor language if its tail share is used."""
        options = self._options.balance
        anchor = options.anchor_language
        if options.same_t or options.tail_share is not None or anchor in self.metadata.digests:
            return
        raise UserError(
            f"the metadata folder {self.metadata.folder.path} has no file for the anchor language {anchor}: add "
            f"{anchor}.json or {anchor}.txt, or use --anchor-language, --tail-share or --same-t"
        )

    def _checked(self, stage: str, options: dict[str, Any]) -> dict[str, Any]:
        self._folder.check_options(stage, options)
        return options

    def _check_matched_metadata(self) -> None:
        digests = self._folder.options_of("match").get("metadata_digests", {})
        self.metadata.check_unchanged(self._folder.summary(MatchSummary).metadata, digests, self._folder.root)

    def _balance_draw(self) -> dict[str, Any]:
        """The options of the draw on which the table `thresholds` depends."""
        draw = table_options(self._options.draw)
        return draw if self._options.draw.texts_per_image == "one" else {"texts_per_image": "all"}
