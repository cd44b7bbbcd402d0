"""A pair's way through the stages of a finished run, and why it was kept or not.

Spark isn't started. pyarrow skips the row groups whose statistics exclude the pair; of the other row groups it reads
only the columns that are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate.errors import UserError
from metaclip_curate.extract.links import Drop, clean_text
from metaclip_curate.extract.pair_columns import pair_uids
from metaclip_curate.extract.urls import DocumentBase
from metaclip_curate.inspect.explanation import (
    REMOVED_REASON,
    Explanation,
    screened_verdict,
    unmatched_verdict,
    unseen_verdict,
    verdict,
)
from metaclip_curate.inspect.pair_rules import DOWNLOADED, Table, tables_of_pairs
from metaclip_curate.inspect.run_rules import RunRules
from metaclip_curate.options.explain import ExplainOptions
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.stages import remedy
from metaclip_curate.run.summaries import MatchSummary
from metaclip_curate.run.tables import open_table
from metaclip_curate.schemas import MANIFEST, MATCHED, PAIRS, SCREENED, SCREENED_IMAGES

_ORIGIN = ("crawl", "source_file", "page_url", "text_source", "source_id")
# Of a URL or a text that is on very many pages.
_MOST_PAIRS = 100
_UID_DIGITS, _NAMED_UIDS = 32, 3


class Explainer:
    """Explains pairs of one finished run.

    Args:
        folder: A run folder with all stages finished.
        options: The uid, URL or text to explain, and where the metadata, the language table and the model are.
        log: Takes the line that says how many pairs there are, if they are more than are explained.
    """

    def __init__(self, folder: RunFolder, options: ExplainOptions, log: Callable[[str], None] = print) -> None:
        self._folder, self._options, self._log = folder, options, log
        self._rules = RunRules(folder, options)

    def explain(self) -> list[Explanation]:
        """Explains the requested pairs.

        Returns:
            The pair of a uid or of the beginning of one; the pairs of an image or with a text, at most 100, in the
            order of their uids; for a text that the run has never seen, what would happen to it.

        Raises:
            UserError: The run has no such pair, several uids begin with the given digits, the URL isn't http, the text
                is empty, or the metadata has changed.
        """
        if self._options.uid:
            return self._of_uid(self._options.uid.lower())
        if self._options.source_id:
            return self._of_source_id(self._options.source_id)
        if self._options.text:
            return self._of_text(self._options.text, self._options.url)
        return self._of_url(self._options.url)

    def _of_uid(self, uid: str) -> list[Explanation]:
        found = self._of_uids(self._uids_with_prefix(uid))
        if not found:
            named = "the uid" if len(uid) == _UID_DIGITS else "a uid that begins with"
            raise self._not_found(f"{named} {uid}", "look for it by --url, --text, or a pool's id by --source-id")
        return found

    def _uids_with_prefix(self, prefix: str) -> list[str]:
        """Returns the only uid that begins with a prefix; empty if there is none.

        Raises:
            UserError: Several uids begin with it.
        """
        if len(prefix) == _UID_DIGITS:
            return [prefix]
        # A range, unlike a search for the prefix, lets Arrow skip row groups. "g" is behind every hex digit.
        within = (pc.field("uid") >= prefix) & (pc.field("uid") < f"{prefix}g")
        uids = sorted({row["uid"] for row in self._rows_of(tables_of_pairs(self._folder), within, ["uid"])})
        if len(uids) > 1:
            named = ", ".join(uids[:_NAMED_UIDS]) + (", ..." if len(uids) > _NAMED_UIDS else "")
            raise UserError(
                f"--uid {prefix} is the beginning of the uids of {len(uids):,} pairs ({named}): give more of its digits"
            )
        return uids

    def _of_source_id(self, source_id: str) -> list[Explanation]:
        found = self._of_uids(self._uids(pc.field("source_id") == source_id))
        if not found:
            raise self._not_found(f"the source_id {source_id}", "look for it by --url or --text")
        return found

    def _of_url(self, url: str) -> list[Explanation]:
        normal = _normal_url(url)
        found = self._of_uids(self._uids(pc.field("url") == normal))
        if not found:
            raise self._not_found(f"the image {normal}", "look for it by --uid or --text")
        return found

    def _not_found(self, sought: str, advice: str) -> UserError:
        match = self._folder.summary(MatchSummary)
        if match.download:
            advice = f"it has only the downloaded pairs of {match.source}, so look for it there"
        return UserError(f"{self._folder.root} has no pair with {sought}: {advice}")

    def _of_text(self, text: str, url: str) -> list[Explanation]:
        cleaned = clean_text(text)
        if not cleaned:
            raise UserError("--text is empty: give the text of an image")
        if url:
            normal = _normal_url(url)
            uid = pair_uids([normal], [cleaned])[0].hex()
            return self._of_uids([uid]) or [self._unseen(cleaned, normal, uid)]
        return self._of_uids(self._uids(pc.field("text") == cleaned)) or [self._unseen(cleaned, "", "")]

    def _uids(self, condition: pc.Expression) -> list[str]:
        found = []
        for stage, table, schema in self._with_all_pairs():
            scanner = open_table(self._folder, stage, table, schema).scanner(columns=["uid"], filter=condition)
            found.append(scanner.to_table().column("uid").combine_chunks())
        uids = pc.unique(pa.chunked_array(found, pa.string())).sort()
        if len(uids) > _MOST_PAIRS:
            self._log(f"{len(uids):,} pairs fit; the first {_MOST_PAIRS} by uid are explained")
        first: list[str] = uids[:_MOST_PAIRS].to_pylist()
        return first

    def _with_all_pairs(self) -> Sequence[Table]:
        """Returns the tables with all pairs, each as often as it was found."""
        return [("extract", "pairs", PAIRS)] if self._folder.parts("extract") else DOWNLOADED

    def _of_uids(self, uids: Sequence[str]) -> list[Explanation]:
        condition = pc.field("uid").isin(pa.array(uids, pa.string()))
        pairs: dict[str, list[dict[str, Any]]] = {}
        for row in self._rows_of(self._with_all_pairs(), condition, [*PAIRS.names]):
            pairs.setdefault(row["uid"], []).append(row)
        columns = ["uid", "image_id", "metadata_lang", "entry_ids", *_ORIGIN]
        labels = ["uid", "lang", "lang_score", "page_lang"]
        distinct = {row["uid"]: row for row in self._rows_of(tables_of_pairs(self._folder), condition, labels)}
        matched = {row["uid"]: row for row in self._rows("match", "matched", MATCHED, condition, columns)}
        of_images = [] if self._folder.parts("extract") else ["detail"]
        schema = SCREENED_IMAGES if of_images else SCREENED
        found = self._rows("match", "screened", schema, condition, [*SCREENED.names, *of_images])
        screened = {row["uid"]: row for row in found}
        kept = {row["uid"] for row in self._rows("sample", "manifest", MANIFEST, condition, ["uid"])}
        return [
            self._seen(pairs[uid], distinct[uid], matched.get(uid) or screened.get(uid), uid in kept)
            for uid in uids
            if uid in pairs and uid in distinct
        ]

    def _rows_of(self, tables: Sequence[Table], condition: pc.Expression, columns: list[str]) -> list[dict[str, Any]]:
        return [row for table in tables for row in self._rows(*table, condition, columns)]

    def _rows(
        self, stage: str, table: str, schema: pa.Schema, condition: pc.Expression, columns: list[str]
    ) -> list[dict[str, Any]]:
        dataset = open_table(self._folder, stage, table, schema)
        rows: list[dict[str, Any]] = dataset.to_table(columns=columns, filter=condition).to_pylist()
        return rows

    def _seen(
        self, rows: list[dict[str, Any]], labelled: dict[str, Any], found: dict[str, Any] | None, kept: bool
    ) -> Explanation:
        """Explains a pair of the run, and checks that the explanation agrees with the manifest.

        Args:
            rows: Its rows of `pairs`.
            labelled: Its row of the table that has the languages.
            found: Its row of `matched` or of `screened`; None if it has none.
            kept: Whether it is in the manifest.

        Raises:
            UserError: The other tables say that the pair is kept but the manifest lacks it, or the reverse.
        """
        rows = sorted(rows, key=lambda row: (row["crawl"], row["source_file"]))
        pair = rows[0]
        known: dict[str, Any] = {
            "uid": pair["uid"],
            "url": pair["url"],
            "text": pair["text"],
            "lang": labelled["lang"],
            "lang_score": float(labelled["lang_score"]),
            "page_lang": labelled["page_lang"] or "",
            "origins": [{name: row[name] for name in _ORIGIN} for row in rows],
        }
        removed = self._rules.removal(pair)
        if found is None:
            label = self._rules.label(labelled["lang"], labelled["lang_score"], labelled["page_lang"])
            language = self._rules.metadata_language(label)
            return Explanation(unmatched_verdict(label, language), False, metadata_lang=language, **known)
        language = found["metadata_lang"]
        if "reason" in found:
            sentence = screened_verdict(found["reason"], removed, found.get("detail") or "")
            return Explanation(sentence, False, metadata_lang=language, reason=found["reason"], **known)
        known |= self._rules.chances(language, found["entry_ids"]) | {"metadata_lang": language}
        known["draw"] = self._rules.draw(pair["uid"])
        if self._rules.one_text_draws:
            condition = pc.field("image_id") == found["image_id"]
            texts = self._rows("match", "matched", MATCHED, condition, ["uid"])
            known["selected"] = self._rules.selected([row["uid"] for row in texts])
        if removed and not kept:
            return Explanation(screened_verdict(REMOVED_REASON, removed), False, reason=REMOVED_REASON, **known)
        sentence = verdict(known["keep_probability"], known["draw"], pair["uid"], known.get("selected"))
        if sentence.startswith("kept") != kept:
            fate = "kept" if kept else "dropped"
            raise UserError(
                f"{pair['uid']} was {fate}, but by the present tables of {self._folder.root} it would have been "
                f"{sentence}: one of the tables was changed; {remedy('sample')}"
            )
        return Explanation(sentence, kept, **known)

    def _unseen(self, text: str, url: str, uid: str) -> Explanation:
        """Explains what the run would do with a text."""
        source = self._folder.summary(MatchSummary).source or ""
        label, score = self._rules.identify(text)
        language = self._rules.metadata_language(label)
        known: dict[str, Any] = {"uid": uid, "url": url, "text": text}
        known |= {"lang": label, "lang_score": score, "metadata_lang": language}
        reason = self._rules.screen(text, url, score, label)
        if reason:
            sentence = unseen_verdict(f"it would be {screened_verdict(reason, None)}", source)
            return Explanation(sentence, None, reason=reason, **known)
        entry_ids = self._rules.contained_entries(text, language) if language else []
        if entry_ids:
            known |= self._rules.chances(language, entry_ids)
        if entry_ids and uid:
            known["draw"] = self._rules.draw(uid)
            fate = f"it would be {verdict(known['keep_probability'], known['draw'], uid)}"
        elif entry_ids:
            fate = f"it would be kept with probability {known['keep_probability']:.4g}"
        else:
            fate = unmatched_verdict(label, language)
        return Explanation(unseen_verdict(fate, source), None, **known)


def _normal_url(url: str) -> str:
    found = DocumentBase(url).resolve(url)
    if isinstance(found, Drop):
        raise UserError(f"--url {url} is no http or https URL")
    return found
