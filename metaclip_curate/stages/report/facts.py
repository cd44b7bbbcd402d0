"""Gathers the facts of a run's report.

Whatever leaves the workers is of bounded size: sums, histograms, and rows whose hash is below a cut. `pairs` is read
once, `matched` twice (texts, expectations), the manifest and `counts` three times. The entries with a text are written
once, to a folder that is removed afterwards.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession

from metaclip_curate.language import OTHER, read_languages
from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.report.facts import Curation, EntryLists, Facts, LanguageFact, PairFacts, ScreenedFacts, TriedT
from metaclip_curate.report.grid import candidates_around, limits_around
from metaclip_curate.report.histograms import KeptHistogram, frequent_cuts
from metaclip_curate.report.input_size import input_size
from metaclip_curate.report.provenance import provenance
from metaclip_curate.report.scopes import LARGEST_HOSTS
from metaclip_curate.run import folder_names
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.funnel import funnel
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
from metaclip_curate.stages.after.candidates import expected_kept
from metaclip_curate.stages.after.joint_head import joint_head
from metaclip_curate.stages.report.entries import (
    HIT_ENTRIES,
    entry_lists,
    frequent_entries,
    hit_entries,
    kept_histograms,
    unmatched_entries,
)
from metaclip_curate.stages.report.pairs import Sampled, pair_facts
from metaclip_curate.stages.report.screened import rejected_reasons, without_text
from metaclip_curate.stages.report.texts import sampled_pair, texts_and_fates
from metaclip_curate.stages.shared.tables import read_files, read_run_table
from metaclip_curate.thresholds import Candidate, Rule, pooled_tail_share

_TROUBLES = 10
# Entries that the page's search finds: those with the most texts of all languages, and of each language.
_FREQUENT, _FREQUENT_OF_LANGUAGE = 2000, 20
_SMALLEST_SHARE = 1e-4  # position of a tail share of 0 on a logarithmic axis


class Gatherer:
    """Gathers what a report shows of the finished stages.

    Args:
        folder: A run folder.
        finished: Its finished stages in their order, at least extract.
        spark: The session.
        safe: Whether texts of rejected pairs are left out.
    """

    def __init__(self, folder: RunFolder, finished: Sequence[str], spark: SparkSession, safe: bool = False) -> None:
        self._folder = folder
        self._finished = finished
        self._spark = spark
        self._safe = safe

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
        return ScreenedFacts(
            pairs=sum(match.screened.values()),
            distinct=match.distinct if of_run else sum(match.screened.values()) + match.matched,
            reasons=rejected_reasons(*tables, match.screened, self._safe) if tables else (),
            rules=tuple(match.policy_rules.items()) if of_run else (),
            languages=tuple(sorted(((lang, n) for lang, n in languages if n), key=lambda each: (-each[1], each[0]))),
            removed=sum(file.rows for file in self._folder.removed_files),
            kind="distinct pairs" if of_run else "pairs with a downloaded image",
            before=tuple((REASON_NAMES[reason], pairs) for reason, pairs in match.screened_before.items()),
        )

    def _screened_tables(self, match: MatchSummary) -> tuple[DataFrame, DataFrame] | None:
        """Returns the rejected pairs, and a table with their texts; None for a run without them."""
        if self._folder.parts("dedup"):
            return self._read("match", "screened", SCREENED), self._read("dedup", "distinct", DISTINCT)
        if match.download is None or not match.screened:
            return None
        screened = self._read("match", "screened", SCREENED_IMAGES)
        return screened, screened

    def _with_rejected(self, pairs: PairFacts) -> PairFacts:
        """Marks the pairs of the sample that a screen rejected."""
        uids = pa.array([pair.uid for pair in pairs.sample], pa.string())
        table = open_table(self._folder, "match", "screened", SCREENED)
        found = table.to_table(columns=["uid"], filter=pc.field("uid").isin(uids)).column("uid").to_pylist()
        rejected = set(found)
        marked = [dataclasses.replace(pair, fate="rejected") if pair.uid in rejected else pair for pair in pairs.sample]
        if self._safe:
            marked = [without_text(pair) if pair.uid in rejected else pair for pair in marked]
        return dataclasses.replace(pairs, sample=tuple(marked))

    def _pairs(self) -> tuple[PairFacts | None, list[Sampled]]:
        if "dedup" not in self._finished or not self._folder.parts("dedup"):
            return None, []
        table = self._read("dedup", "distinct", DISTINCT)
        facts, sample = pair_facts(table, "pairs", self._folder.summary(DedupSummary).distinct)
        unknown = tuple(sampled_pair(row, "") for row in sample)
        return dataclasses.replace(facts, sample=unknown), sample

    def _curation(self, pairs: PairFacts | None, sample: Sequence[Sampled]) -> tuple[PairFacts | None, Curation]:
        matched, manifest = self._read("match", "matched", MATCHED), self._read("sample", "manifest", MANIFEST)
        counts = self._read("count", "counts", COUNTS)
        limits = self._limits()
        thresholds = {name: row.t for name, row in sorted(limits.items())}
        unmatched = {name: row.entries_unmatched for name, row in sorted(limits.items())}
        with self._folder.temporary(folder_names.REPORT_WORK) as work:
            hit_entries(counts, manifest, thresholds).write.mode("overwrite").parquet(work)
            entries = read_files(self._spark, [work], HIT_ENTRIES)
            histograms = kept_histograms(entries, unmatched)
            lists, thinned = entry_lists(entries, unmatched_entries(counts, unmatched))
            frequent = frequent_entries(entries, frequent_cuts(histograms, _FREQUENT, _FREQUENT_OF_LANGUAGE))
            for name, most in frequent.items():
                # A language whose entries are neither thinned, whole nor unmatched has no lists yet.
                lists[name] = dataclasses.replace(lists.get(name, EntryLists()), frequent=most)
        sizes = (sum(row.pairs for row in limits.values()), self._folder.summary(SampleSummary).pairs)
        hosts = [host for host, _ in pairs.hosts[:LARGEST_HOSTS]] if pairs else []
        kept, kept_sample = pair_facts(manifest, "manifest", sizes[1], hosts)
        of_pairs, of_matched, texts = texts_and_fates(matched, manifest, sizes, thinned, sample)
        tried, drawn, position_name = self._tried(matched, counts, histograms, thresholds)
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
        self,
        matched: DataFrame,
        counts: DataFrame,
        histograms: Mapping[str, KeptHistogram],
        thresholds: Mapping[str, int],
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
        head = joint_head(counts, histograms, [candidate.thresholds for candidate in candidates])
        draw = self._folder.options_of("sample")
        expected = expected_kept(matched, head, DrawOptions(draw["seed"], draw["texts_per_image"]), images=False)
        tried = tuple(
            _tried(candidate, each.pairs, candidate is chosen)
            for candidate, each in zip(candidates, expected, strict=True)
        )
        drawn = tuple(
            _tried(candidate, {}, candidate is chosen) for candidate in limits_around(histograms, rule, chosen)
        )
        position_name = "tail share" if share is not None else "t" if same else f"t of {anchor}"
        return tried, drawn, position_name

    def _read(self, stage: str, table: str, schema: Any) -> DataFrame:
        return read_run_table(self._spark, self._folder, stage, table, schema)


def _tried(candidate: Candidate, expected: Mapping[str, float], chosen: bool) -> TriedT:
    if candidate.t is not None:
        return TriedT(f"t = {candidate.t:,}", candidate.t, candidate.thresholds, expected, chosen)
    position = max(candidate.tail_share, _SMALLEST_SHARE)
    return TriedT(f"tail share {candidate.tail_share:.2%}", position, candidate.thresholds, expected, chosen)


def language_names() -> dict[str, str]:
    """English names by code, from the table of languages that ships."""
    return {language.code: language.name for language in read_languages()} | {OTHER: "Other languages"}
