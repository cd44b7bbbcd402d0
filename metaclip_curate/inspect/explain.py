"""A pair's way through the stages: from what the tables of a finished run say of it to why it was kept or not.

Nothing here starts Spark: the tables are read through the statistics of their row groups, and of what is left only the
columns that are compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate import balance
from metaclip_curate.errors import UserError
from metaclip_curate.extract.links import Drop, clean_text
from metaclip_curate.extract.pair_columns import pair_uids
from metaclip_curate.extract.urls import DocumentBase
from metaclip_curate.language import LanguageIdentifier, LanguageTable, load_language_table
from metaclip_curate.matching import space_entry, space_text
from metaclip_curate.metadata.lists.folder import MetadataFolder
from metaclip_curate.options.explain import ExplainOptions
from metaclip_curate.run.folder import RunFolder, remedy
from metaclip_curate.run.summaries import MatchSummary
from metaclip_curate.run.tables import LanguageCounts, language_counts, open_table
from metaclip_curate.schemas import MANIFEST, MATCHED, PAIRS

_ORIGIN = ("crawl", "source_file", "page_url", "text_source")
# Of a URL or a text that stands on very many pages.
_MOST_PAIRS = 100


@dataclass(frozen=True)
class EntryFacts:
    """An entry that a text contains.

    Attributes:
        entry_id: Its position in the language's list.
        entry: The string.
        count: Texts of the run that contain it.
        head: Whether count >= t.
        probability: min(1, t / count).
    """

    entry_id: int
    entry: str
    count: int
    head: bool
    probability: float


@dataclass(frozen=True)
class Explanation:
    """A pair, or a text without a URL, and what each stage made or would make of it.

    Attributes:
        verdict: One sentence: kept or not, and why.
        kept: Whether it is in the manifest; None for what the run never saw.
        uid: Empty for a text without a URL.
        url: The image's.
        text: The text.
        lang: The label of the language-ID model.
        lang_score: Its probability.
        metadata_lang: The language whose entries were searched; empty where there is none.
        origins: Where it was found, one for each input file, first the one that stayed.
        t: The language's threshold; None where the language has no matched text.
        entries: What it contains.
        keep_probability: 1 - product of (1 - entry probability); None without an entry.
        draw: The number that is compared with it; None without a uid.
        selected: The uid that was selected among the image's texts, where one text an image draws.
    """

    verdict: str
    kept: bool | None
    uid: str
    url: str
    text: str
    lang: str
    lang_score: float
    metadata_lang: str
    origins: list[dict[str, str]] = field(default_factory=list)
    t: int | None = None
    entries: list[EntryFacts] = field(default_factory=list)
    keep_probability: float | None = None
    draw: float | None = None
    selected: str | None = None


class Explainer:
    """Explains pairs of one finished run.

    Args:
        folder: A run folder with all stages finished.
        asked: What to explain, and where the metadata, the language table and the model are.
    """

    def __init__(self, folder: RunFolder, asked: ExplainOptions) -> None:
        self._folder = folder
        self._asked = asked
        options = folder.options_of("match")
        self._digests: dict[str, str] = options["metadata_digests"]
        self._spacing = options["entry_spacing"]
        draw = folder.options_of("sample")
        self._seed, self._one_text = int(draw["seed"]), draw["texts_per_image"] == "one"
        self._counts_of: dict[str, LanguageCounts] = {}

    def explain(self) -> list[Explanation]:
        """Explains what was asked for.

        Returns:
            The pair of a uid; the pairs of an image or with a text, at most 100, in the order of their uids; for a text
            that the run never saw, what would happen to it.

        Raises:
            UserError: The run has no such pair, the URL is no http URL, the text is empty, or the metadata has changed.
        """
        if self._asked.uid:
            return self._of_uid(self._asked.uid.lower())
        if self._asked.text:
            return self._of_text(self._asked.text, self._asked.url)
        return self._of_url(self._asked.url)

    def _of_uid(self, uid: str) -> list[Explanation]:
        found = self._of_uids([uid])
        if not found:
            raise UserError(f"{self._folder.root} has no pair with the uid {uid}: look for it by --url or --text")
        return found

    def _of_url(self, url: str) -> list[Explanation]:
        normal = _normal_url(url)
        found = self._of_uids(self._uids(pc.field("url") == normal))
        if not found:
            raise UserError(f"{self._folder.root} has no pair with the image {normal}")
        return found

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
        stage, table, schema = self._first_table()
        scanner = open_table(self._folder, stage, table, schema).scanner(columns=["uid"], filter=condition)
        uids: list[str] = pc.unique(scanner.to_table().column("uid")).sort().to_pylist()
        return uids[:_MOST_PAIRS]

    def _first_table(self) -> tuple[str, str, pa.Schema]:
        """The table with the most pairs: that of all, or, of a run that began with matched ones, these."""
        return ("extract", "pairs", PAIRS) if self._folder.parts("extract") else ("match", "matched", MATCHED)

    def _of_uids(self, uids: Sequence[str]) -> list[Explanation]:
        wanted = pc.field("uid").isin(pa.array(uids, pa.string()))
        pairs: dict[str, list[dict[str, Any]]] = {}
        for row in self._rows(*self._first_table(), wanted, [*PAIRS.names]):
            pairs.setdefault(row["uid"], []).append(row)
        columns = ["uid", "image_id", "metadata_lang", "entry_ids", *_ORIGIN]
        matched = {row["uid"]: row for row in self._rows("match", "matched", MATCHED, wanted, columns)}
        kept = {row["uid"] for row in self._rows("sample", "manifest", MANIFEST, wanted, ["uid"])}
        return [self._seen(pairs[uid], matched.get(uid), uid in kept) for uid in uids if uid in pairs]

    def _rows(
        self, stage: str, table: str, schema: pa.Schema, condition: pc.Expression, columns: list[str]
    ) -> list[dict[str, Any]]:
        dataset = open_table(self._folder, stage, table, schema)
        rows: list[dict[str, Any]] = dataset.to_table(columns=columns, filter=condition).to_pylist()
        return rows

    def _seen(self, rows: list[dict[str, Any]], matched: dict[str, Any] | None, kept: bool) -> Explanation:
        rows = sorted(rows, key=lambda row: (row["crawl"], row["source_file"], row["page_url"]))
        pair = rows[0]
        known: dict[str, Any] = {
            "uid": pair["uid"],
            "url": pair["url"],
            "text": pair["text"],
            "lang": pair["lang"],
            "lang_score": float(pair["lang_score"]),
            "origins": [{name: row[name] for name in _ORIGIN} for row in rows],
        }
        if matched is None:
            language = self._metadata_language(pair["lang"])
            return Explanation(self._why_unmatched(pair["lang"], language), False, metadata_lang=language, **known)
        language = matched["metadata_lang"]
        known |= self._chances(language, matched["entry_ids"]) | {"metadata_lang": language}
        known["draw"] = float(balance.draws([pair["uid"]], self._seed)[0])
        if self._one_text:
            known["selected"] = self._selected(matched["image_id"])
        verdict = _verdict(known["keep_probability"], known["draw"], pair["uid"], known.get("selected"))
        if verdict.startswith("kept") != kept:
            fate = "kept" if kept else "dropped"
            raise UserError(
                f"{pair['uid']} was {fate}, and by what the tables of {self._folder.root} say now it would have been "
                f"{verdict}: one of them was changed; {remedy('sample')}"
            )
        return Explanation(verdict, kept, **known)

    def _unseen(self, text: str, url: str, uid: str) -> Explanation:
        labels, scores = self._identifier.identify([text])
        label = labels[0].as_py()
        language = self._metadata_language(label)
        known: dict[str, Any] = {"uid": uid, "url": url, "text": text, "lang": label, "metadata_lang": language}
        known["lang_score"] = float(scores[0].as_py())
        found: list[int] = []
        if language:
            spaced = space_text(text)
            found = [
                number
                for number, entry in enumerate(self._counts(language).entries)
                if entry and space_entry(entry, self._spacing) in spaced
            ]
        if not found:
            return Explanation(f"not seen by this run; {self._why_unmatched(label, language)}", None, **known)
        known |= self._chances(language, found)
        if not uid:
            return Explanation(
                f"not seen by this run; it would be kept with probability {known['keep_probability']:.4g}",
                None,
                **known,
            )
        known["draw"] = float(balance.draws([uid], self._seed)[0])
        verdict = _verdict(known["keep_probability"], known["draw"], uid, None)
        return Explanation(f"not seen by this run; it would be {verdict}", None, **known)

    def _chances(self, language: str, entry_ids: Sequence[int]) -> dict[str, Any]:
        of_language = self._counts(language)
        t = of_language.t or 1
        probabilities = balance.entry_probabilities(of_language.counts, t)
        entries = [
            EntryFacts(
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

    def _counts(self, language: str) -> LanguageCounts:
        if language not in self._counts_of:
            self._counts_of[language] = self._read_counts(language)
        return self._counts_of[language]

    def _read_counts(self, language: str) -> LanguageCounts:
        found = language_counts(self._folder, language)
        if found is not None:
            return found
        # Nothing of the run matched this language, so its entries are only in the metadata.
        try:
            place = self._asked.metadata or self._folder.summary(MatchSummary).metadata
            read = MetadataFolder.open(place, self._folder.options).read(language)
        except UserError as error:
            raise UserError(f"{error} Name the folder with --metadata.") from error
        if read.digest != self._digests[language]:
            raise UserError(
                f"{read.source} isn't what {self._folder.root} was matched with: its digest is {read.digest} and was "
                f"{self._digests[language]}; name the folder with --metadata"
            )
        return LanguageCounts(read.entries, np.zeros(len(read.entries), dtype=np.int64), None)

    @cached_property
    def _language_table(self) -> LanguageTable:
        table = load_language_table(self._asked.language_table or None)
        self._hold_to("match", "language_table_digest", table.digest, "--language-table")
        return table

    @cached_property
    def _identifier(self) -> LanguageIdentifier:
        identifier = LanguageIdentifier(self._asked.lid_model or None)
        self._hold_to("extract", "lid_model_digest", identifier.digest, "--lid-model")
        return identifier

    def _hold_to(self, stage: str, name: str, digest: str, remedy: str) -> None:
        recorded = self._folder.options_of(stage).get(name, digest)
        if recorded != digest:
            raise UserError(
                f"{self._folder.root} was made with another {name.removesuffix('_digest').replace('_', ' ')}, whose "
                f"digest is {recorded} and not {digest}: name it with {remedy}"
            )

    def _metadata_language(self, label: str) -> str:
        """The language whose entries a text of this label is searched for; empty where there is none."""
        language = self._language_table.metadata_language(label, self._digests)
        return language if language in self._digests else ""

    def _why_unmatched(self, label: str, language: str) -> str:
        if not language:
            return f"left out: no metadata for the language {label}, and none for other"
        return f"left out: it contains no entry of the metadata of {language}"

    def _selected(self, image_id: str) -> str:
        """The uid of the text that draws for an image."""
        condition = pc.field("image_id") == image_id
        uids = [row["uid"] for row in self._rows("match", "matched", MATCHED, condition, ["uid"])]
        keys = balance.selection_keys(uids, self._seed)
        selected: str = min(zip(keys.tolist(), uids, strict=True))[1]
        return selected


def _verdict(keep: float, draw: float, uid: str, selected: str | None) -> str:
    if selected is not None and selected != uid:
        return f"left out: of the image's texts the one of {selected} was selected"
    if draw < keep:
        return f"kept: the draw {draw:.4g} is below the keep probability {keep:.4g}"
    return f"dropped: the draw {draw:.4g} isn't below the keep probability {keep:.4g}"


def _normal_url(url: str) -> str:
    found = DocumentBase(url).resolve(url)
    if isinstance(found, Drop):
        raise UserError(f"--url {url} is no http or https URL")
    return found
