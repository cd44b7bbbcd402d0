"""Gathers the facts of a run's report.

Whatever is gathered is of bounded size: sums, histograms, and rows whose hash is below a cut. `distinct` is read once,
`matched` and `counts` twice, and the manifest three times.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate.language import OTHER, read_languages
from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.report.facts import Curation, Facts, LanguageFact, PairFacts, SampledPair, ScreenedFacts, TriedT
from metaclip_curate.report.grid import candidates_around, limits_around
from metaclip_curate.report.histograms import KeptHistogram
from metaclip_curate.report.input_size import input_size
from metaclip_curate.report.provenance import provenance
from metaclip_curate.report.scopes import LARGEST_HOSTS
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.funnel import funnel
from metaclip_curate.run.removed_table import removals
from metaclip_curate.run.stages import STAGES
from metaclip_curate.run.summaries import (
    BalanceSummary,
    DedupSummary,
    ExtractSummary,
    LanguageThreshold,
    MatchSummary,
    SampleSummary,
)
from metaclip_curate.run.tables import open_table, read_columns
from metaclip_curate.schemas import COUNTS, DISTINCT, MANIFEST, MATCHED, SCREENED, SCREENED_IMAGES
from metaclip_curate.screens.reasons import REASON_NAMES
from metaclip_curate.stages.after.expected_sums import SUMS, Expected, expectations, head_texts_and_sums
from metaclip_curate.stages.after.joint_head import joint_head, smallest_thresholds
from metaclip_curate.stages.report.entries import entry_facts
from metaclip_curate.stages.report.pairs import pair_facts
from metaclip_curate.stages.report.sampling import Sampled, sampled_pair
from metaclip_curate.stages.report.screened import rejected_reasons, without_text
from metaclip_curate.stages.report.texts import texts_and_fates
from metaclip_curate.stages.report.unmatched import with_languages
from metaclip_curate.stages.shared.passes import Batches, Pass, Passes, Summing, Table
from metaclip_curate.stages.shared.sorted_batches import by_language
from metaclip_curate.stages.shared.staying_rows import StayingPasses
from metaclip_curate.thresholds import Candidate, Rule, pooled_tail_share

_TROUBLES = 10
_DISTINCT: Table = ("dedup", "distinct", DISTINCT)
_MATCHED: Table = ("match", "matched", MATCHED)
_MANIFEST: Table = ("sample", "manifest", MANIFEST)
_OVER = pa.schema([COUNTS.field(name) for name in ("metadata_lang", "entry_id", "count")])
_SMALLEST_SHARE = 1e-4  # position of a tail share of 0 on a logarithmic axis


class Gatherer:
    """Gathers what a report shows of the finished stages.

    Args:
        folder: A run folder.
        finished: Its finished stages in their order, at least extract.
        passes: Makes passes over its tables.
        safe: Whether texts of rejected pairs are left out.
    """

    def __init__(self, folder: RunFolder, finished: Sequence[str], passes: Passes, safe: bool = False) -> None:
        self._folder = folder
        self._finished = finished
        self._passes = passes
        self._safe = safe
        removed = removals(folder)
        # Texts and hosts of what was taken down aren't shown.
        self._of_staying = StayingPasses(passes, removed) if removed else passes

    def facts(self) -> Facts:
        """Reads the tables and returns the facts."""
        pairs, sample = self._pairs()
        curation = None
        if "sample" in self._finished:
            pairs, curation = self._curation(pairs, sample)
        if pairs and "match" in self._finished:
            pairs = self._with_rejected(pairs)
        return Facts(
            name=self._folder.root.rstrip("/").rsplit("/", 1)[-1],
            fingerprint=self._folder.fingerprint(self._finished[-1]),
            funnel=funnel(self._folder, self._finished),
            read=input_size(self._folder.summary(ExtractSummary)),
            troubles=self._troubles(),
            languages=self._languages(),
            screened=self._screened(),
            pairs=pairs,
            curation=curation,
            missing=self._missing(pairs),
            provenance=provenance(self._folder, self._finished),
        )

    def _missing(self, pairs: PairFacts | None) -> tuple[str, ...]:
        sentences = []
        if pairs is None and "dedup" in self._finished:
            sentences.append(
                "This run has no table of distinct pairs: it was computed from the manifest of another run."
            )
        if "sample" not in self._finished:
            stage = STAGES[len(self._finished)]
            sentences.append(
                f"Curves, entries and kept pairs are missing, since the stage {stage} isn't finished: go on with "
                f"metaclip-curate {stage} or metaclip-curate run, and write the report again."
            )
        return tuple(sentences)

    def _troubles(self) -> tuple[tuple[str, str, str], ...]:
        inputs = read_columns(self._folder, "extract", "inputs", ["path", "status", "error"])
        rows = [(row["path"], row["status"], row["error"]) for row in inputs.to_pylist() if row["status"] != "ok"]
        return tuple(sorted(rows, key=lambda row: (row[1], row[0]))[:_TROUBLES])

    def _languages(self) -> tuple[LanguageFact, ...]:
        if "match" not in self._finished:
            return ()
        names = language_names()
        limits = self._limits()
        totals = self._folder.summary(SampleSummary).languages if "sample" in self._finished else ()
        kept = {row.metadata_lang: row.pairs_out for row in totals}
        found = []
        for row in self._folder.summary(MatchSummary).languages:
            name, limit = row.metadata_lang, limits.get(row.metadata_lang)
            known: dict[str, Any] = (
                {}
                if limit is None
                else {
                    "t": limit.t,
                    "tail_share": limit.tail_share,
                    "entries": limit.entries,
                    "entries_hit": limit.entries - limit.entries_unmatched,
                    "expected": limit.expected_pairs,
                    "kept": kept.get(name),
                }
            )
            found.append(LanguageFact(name, names.get(name, name), row.distinct, row.matched, **known))
        return tuple(sorted(found, key=lambda each: (-each.matched, -each.pairs, each.lang)))

    def _limits(self) -> dict[str, LanguageThreshold]:
        rows = self._folder.summary(BalanceSummary).languages if "balance" in self._finished else ()
        return {row.metadata_lang: row for row in rows}

    def _screened(self) -> ScreenedFacts | None:
        if "match" not in self._finished:
            return None
        match = self._folder.summary(MatchSummary)
        tables = self._screened_tables(match)
        if tables is None and not match.screened_before:
            return None
        of_run = self._folder.parts("dedup")
        languages = [(row.metadata_lang, sum(row.screened.values())) for row in match.languages]
        languages.append(("", sum(match.screened_without_metadata.values())))
        passes = self._passes, self._of_staying
        return ScreenedFacts(
            pairs=sum(match.screened.values()),
            distinct=match.distinct if of_run else sum(match.screened.values()) + match.matched,
            reasons=rejected_reasons(passes, tables, match.screened, self._safe) if tables else (),
            rules=tuple(match.policy_rules.items()) if of_run else (),
            languages=tuple(sorted(((lang, n) for lang, n in languages if n), key=lambda each: (-each[1], each[0]))),
            removed=sum(file.rows for file in self._folder.removed_files),
            kind="distinct pairs" if of_run else "pairs with a downloaded image",
            before=tuple((REASON_NAMES[reason], pairs) for reason, pairs in match.screened_before.items()),
        )

    def _screened_tables(self, match: MatchSummary) -> tuple[Table, Table] | None:
        """Returns the rejected pairs, and a table with their texts; None for a run without them."""
        if self._folder.parts("dedup"):
            return ("match", "screened", SCREENED), _DISTINCT
        if match.download is None or not match.screened:
            return None
        screened = ("match", "screened", SCREENED_IMAGES)
        return screened, screened

    def _with_rejected(self, pairs: PairFacts) -> PairFacts:
        """Marks the pairs of the sample that a screen rejected, and those without metadata for their language.

        Texts of all rejected pairs are blurred, since a list of hosts rejects what such hosts write.
        """
        uids = pa.array([pair.uid for pair in pairs.sample], pa.string())
        table = open_table(self._folder, "match", "screened", SCREENED)
        found = table.to_table(columns=["uid"], filter=pc.field("uid").isin(uids)).column("uid").to_pylist()
        rejected = set(found)
        options = self._folder.options_of("dedup"), self._folder.options_of("match")
        sample = with_languages(pairs.sample, *options)

        def marked(pair: SampledPair) -> SampledPair:
            if pair.uid not in rejected:
                return pair
            found = dataclasses.replace(pair, fate="rejected", blurred=not self._safe)
            return without_text(found) if self._safe else found

        return dataclasses.replace(pairs, sample=tuple(map(marked, sample)))

    def _pairs(self) -> tuple[PairFacts | None, list[Sampled]]:
        if "dedup" not in self._finished or not self._folder.parts("dedup"):
            return None, []
        facts, sample = pair_facts(self._of_staying, _DISTINCT, self._folder.summary(DedupSummary).distinct)
        unknown = tuple(sampled_pair(row, "") for row in sample)
        return dataclasses.replace(facts, sample=unknown), sample

    def _curation(self, pairs: PairFacts | None, sample: Sequence[Sampled]) -> tuple[PairFacts | None, Curation]:
        limits = self._limits()
        thresholds = {name: row.t for name, row in sorted(limits.items())}
        unmatched = {name: row.entries_unmatched for name, row in sorted(limits.items())}
        histograms, lists, thinned = entry_facts(self._passes, thresholds, unmatched)
        sizes = (sum(row.pairs for row in limits.values()), self._folder.summary(SampleSummary).pairs)
        hosts = [host for host, _ in pairs.hosts[:LARGEST_HOSTS]] if pairs else []
        kept, kept_sample = pair_facts(self._passes, _MANIFEST, sizes[1], hosts)
        of_pairs, of_matched, texts = texts_and_fates(self._of_staying, sizes, thinned, sample)
        tried, drawn, position_name = self._tried(histograms, thresholds)
        curation = Curation(
            histograms=histograms,
            tried=tried,
            limits=drawn,
            position_name=position_name,
            matched=of_matched,
            kept=dataclasses.replace(kept, sample=tuple(sampled_pair(row, "kept") for row in kept_sample)),
            entries=lists,
            texts=texts,
        )
        return (dataclasses.replace(pairs, sample=of_pairs) if pairs else None), curation

    def _tried(
        self, histograms: Mapping[str, KeptHistogram], thresholds: Mapping[str, int]
    ) -> tuple[tuple[TriedT, ...], tuple[TriedT, ...], str]:
        """Returns candidates with their expectations, those whose limits are drawn, and what they differ in."""
        options = self._folder.options_of("balance")
        anchor, share, same = options["anchor_language"], options["tail_share"], options["same_t"]
        rule = Rule(anchor, same, share)
        if share is not None:
            chosen = Candidate(None, share, thresholds)
        elif same or anchor not in histograms:
            chosen = Candidate(options["t"], pooled_tail_share(histograms, thresholds), thresholds)
        else:
            chosen = Candidate(options["t"], histograms[anchor].tail_share(options["t"]), thresholds)
        candidates = candidates_around(histograms, rule, chosen)
        expected = self._expected(histograms, [candidate.thresholds for candidate in candidates])
        tried = tuple(
            _tried(candidate, each.pairs, candidate is chosen)
            for candidate, each in zip(candidates, expected, strict=True)
        )
        drawn = tuple(
            _tried(candidate, {}, candidate is chosen) for candidate in limits_around(histograms, rule, chosen)
        )
        position_name = (
            "tail share" if share is not None else "t" if same else f"t of {language_names().get(anchor, anchor)}"
        )
        return tried, drawn, position_name

    def _expected(
        self, histograms: Mapping[str, KeptHistogram], candidates: Sequence[Mapping[str, int]]
    ) -> list[Expected]:
        """Sums up the keep probabilities of the candidates."""
        smallest = smallest_thresholds(candidates)
        over = self._passes.gather(Pass(("count", "counts", COUNTS), _OVER.names, _above(smallest), _OVER))
        head = joint_head(zip(*(column.to_pylist() for column in over.columns), strict=True), histograms, candidates)
        options = self._folder.options_of("sample")
        draw = DrawOptions(options["seed"], options["texts_per_image"])
        columns = ("image_id", "metadata_lang", "entry_ids")
        texts = Pass(_MATCHED, columns, head_texts_and_sums(head), SUMS, draw)
        sums = self._passes.add_up([texts], Summing(SUMS.names[:2], SUMS.names[2:], SUMS))
        rows = zip(*(column.to_pylist() for column in sums.columns), strict=True)
        return expectations(head, rows, False, draw)


def _above(thresholds: Mapping[str, int]) -> Callable[[Batches], Batches]:
    """Returns a function from counts to the entries whose count is above the t of their language."""

    def run(batches: Batches) -> Batches:
        for batch in batches:
            for language, rows in by_language(batch):
                yield rows.filter(pc.greater(rows.column("count"), thresholds[language]))

    return run


def _tried(candidate: Candidate, expected: Mapping[str, float], chosen: bool) -> TriedT:
    if candidate.t is not None:
        return TriedT(f"t = {candidate.t:,}", candidate.t, candidate.thresholds, expected, chosen)
    position = max(candidate.tail_share, _SMALLEST_SHARE)
    return TriedT(f"tail share {candidate.tail_share:.2%}", position, candidate.thresholds, expected, chosen)


def language_names() -> dict[str, str]:
    """English names by code, from the table of languages that ships."""
    return {language.code: language.name for language in read_languages()} | {OTHER: "Other languages"}
