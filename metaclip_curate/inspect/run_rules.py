"""How a finished run treats any text: with its own model, metadata, counts, thresholds and seed.

The run folder has digests of the model, the language table and the metadata. They are held to these digests, so that
other ones aren't applied by mistake.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from metaclip_curate import balance
from metaclip_curate.errors import UserError
from metaclip_curate.inspect.explanation import ContainedEntry
from metaclip_curate.inspect.removals import RemovedPairs
from metaclip_curate.inspect.run_languages import require_recorded, run_language_table
from metaclip_curate.language import LabelRule, LanguageIdentifier, LanguageTable
from metaclip_curate.matching.spacing import space_texts, spaced_entries
from metaclip_curate.metadata.lists.folder import LanguageMetadata, MetadataFolder
from metaclip_curate.options.explain import ExplainOptions
from metaclip_curate.options.match import MatchOptions
from metaclip_curate.options.screens import ScreenOptions
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.removed_table import removals
from metaclip_curate.run.summaries import MatchSummary
from metaclip_curate.run.tables import LanguageCounts, language_counts
from metaclip_curate.screens.pairs import ScreenedPairs
from metaclip_curate.screens.screens import ScreenLists, Screens


class RunRules:
    """The rules of a finished run.

    Args:
        folder: A run folder with all stages finished.
        options: Where the metadata, the language table and the model are.

    Raises:
        UserError: The metadata folder that the options name can't be used.
    """

    def __init__(self, folder: RunFolder, options: ExplainOptions) -> None:
        self._folder, self._options = folder, options
        match, draw = folder.options_of("match"), folder.options_of("sample")
        self._digests: dict[str, str] = match["metadata_digests"]
        self._rules = match["entry_spacing"], match["normalize"]
        self._seed = int(draw["seed"])
        self.one_text_draws: bool = draw["texts_per_image"] == "one"
        self._removed = RemovedPairs(folder)
        self._counts_of: dict[str, LanguageCounts] = {}
        if options.metadata:
            self._metadata_folder()  # opening it is the check

    def identify(self, text: str) -> tuple[str, float]:
        """Returns the language-ID model's label of a text and the label's probability."""
        labels, scores = self._identifier.identify([text])
        return labels[0].as_py(), float(scores[0].as_py())

    def label(self, lang: str, lang_score: float, page_lang: str) -> str:
        """Returns the label that a pair counts as.

        Args:
            lang: The model's label of its text.
            lang_score: The label's probability.
            page_lang: Language that its page declares; empty if it declares none.
        """
        dedup = self._folder.options_of("dedup")
        rule = LabelRule.of(dedup["lid_fallback"], dedup["min_lid_score"])
        scores = pa.array([lang_score], pa.float32())
        label: str = rule.labels(pa.array([lang]), scores, pa.array([page_lang]))[0].as_py()
        return label

    def metadata_language(self, label: str) -> str:
        """Returns the language whose entries a text of a label is searched for; empty if there is none."""
        language = self._language_table.metadata_language(label, self._digests)
        return language if language in self._digests else ""

    def screen(self, text: str, url: str, score: float, label: str) -> str:
        """Returns the reason for which the run would reject a text that it hasn't seen; empty if it has none.

        Lists of hosts and words aren't in the run folder, and so aren't consulted; neither is the licence, which the
        page would declare.

        Args:
            text: The text.
            url: URL of its image in normal form; empty if none is known.
            score: Probability of its label.
            label: Label of the language-ID model.
        """
        recorded = self._folder.options_of("match")
        names = {item.name for item in dataclasses.fields(ScreenOptions)} - {"licenses"}
        given = {name: value for name, value in recorded.items() if name in names}
        screens = Screens.of(ScreenOptions(**given), MatchOptions(), ScreenLists(removed=removals(self._folder)))
        row = {"uid": "", "image_id": "", "url": url, "page_url": "", "text": text, "lang_score": score}
        pairs = ScreenedPairs(pa.RecordBatch.from_pylist([row]), self._language_table.metadata_language(label))
        return "".join(screens.judge(pairs).reasons().to_pylist())

    def removal(self, pair: Mapping[str, Any]) -> dict[str, str] | None:
        """Returns the row of the table `removed` that applies to a pair with uid, image_id, url and page_url."""
        return self._removed.removal(pair)

    def contained_entries(self, text: str, language: str) -> list[int]:
        """Returns the ids of a language's entries that a text contains."""
        text = space_texts(pa.array([text]), *self._rules)
        entries = spaced_entries(self._counts(language).entries, *self._rules)
        return [entry_id for entry_id, spaced in entries if spaced in text]

    def chances(self, language: str, entry_ids: Sequence[int]) -> dict[str, Any]:
        """Returns t, entries and keep_probability, as `Explanation` has them, of a text with these entries."""
        of_language = self._counts(language)
        t = of_language.t or 1
        probabilities = balance.entry_probabilities(of_language.counts, t)
        entries = [
            ContainedEntry(
                entry_id,
                of_language.entries[entry_id],
                int(of_language.counts[entry_id]),
                int(of_language.counts[entry_id]) >= t,
                float(probabilities[entry_id]),
            )
            for entry_id in entry_ids
        ]
        lists = pa.array([list(entry_ids)], pa.list_(pa.int32()))
        keep = float(balance.keep_probabilities(lists, probabilities)[0])
        return {"t": of_language.t, "entries": entries, "keep_probability": keep}

    def draw(self, uid: str) -> float:
        """Returns the draw of a pair."""
        return float(balance.draws([uid], self._seed)[0])

    def selected(self, uids: Sequence[str]) -> str:
        """Returns the uid that is selected among the texts of an image."""
        keys = balance.selection_keys(uids, self._seed)
        return min(zip(keys.tolist(), uids, strict=True))[1]

    def _counts(self, language: str) -> LanguageCounts:
        if language not in self._counts_of:
            self._counts_of[language] = self._read_counts(language)
        return self._counts_of[language]

    def _read_counts(self, language: str) -> LanguageCounts:
        found = language_counts(self._folder, language)
        if found is None:  # no text of the language matched, so that the run's counts lack its entries
            entries = self._matched_list(language).entries
            return LanguageCounts(entries, np.zeros(len(entries), dtype=np.int64), None)
        if self._options.metadata:
            self._matched_list(language)
        return found

    def _metadata_folder(self) -> MetadataFolder:
        path = self._options.metadata or self._folder.summary(MatchSummary).metadata
        return MetadataFolder.open(path, self._folder.options)

    def _matched_list(self, language: str) -> LanguageMetadata:
        """Reads the list of a language, and checks that the run was matched with it."""
        try:
            read = self._metadata_folder().read(language)
        except UserError as error:
            raise UserError(f"{error} Name the folder with --metadata.") from error
        if read.digest != self._digests[language]:
            raise UserError(
                f"{read.source} isn't what {self._folder.root} was matched with: its digest is {read.digest} and was "
                f"{self._digests[language]}; name the folder with --metadata"
            )
        return read

    @cached_property
    def _language_table(self) -> LanguageTable:
        return run_language_table(self._folder, self._options.language_table)

    @cached_property
    def _identifier(self) -> LanguageIdentifier:
        identifier = LanguageIdentifier(self._options.lid_model or None)
        require_recorded(self._folder, "dedup", "lid_model_digest", identifier.digest, "--lid-model")
        return identifier
