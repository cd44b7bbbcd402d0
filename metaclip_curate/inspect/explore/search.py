"""Searching the pairs of a run: what is asked for, and the pairs that are found."""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from metaclip_curate import balance
from metaclip_curate.errors import UserError
from metaclip_curate.extract.pair_columns import image_id_column
from metaclip_curate.inspect.explanation import REMOVED_REASON, screened_verdict, unmatched_verdict, verdict
from metaclip_curate.inspect.explore.index import PairIndex
from metaclip_curate.inspect.removals import RemovedPairs
from metaclip_curate.run.fates import FATE_NAMES, Fate
from metaclip_curate.run.summaries import BalanceSummary
from metaclip_curate.screens.reasons import VEILED_REASONS

if TYPE_CHECKING:
    import duckdb

PAGE_ROWS = 50
_MOST_CHARACTERS = 1_000
_MOST_SECONDS = 60.0
_UID = re.compile("[0-9a-f]{1,32}")
# A host alone, or a URL around it.
_HOST = re.compile(r"(?:(?:https?:)?//)?(?:[^/?#@]*@)?(\[[^\]]*\]|[^/?#:]*)")
_COLUMNS = (
    "uid", "url", "text", "page_url", "page_lang", "source_id", "lang", "lang_score", "label", "metadata_lang", "fate",
    "reason", "detail", "entry_ids",
)  # fmt: skip
# In place of the language in a query: pairs without a list for their language.
NO_LANGUAGE = "-"


@dataclass(frozen=True)
class Query:
    """What is asked for; an empty field asks for nothing.

    Attributes:
        text: Part of the text, of which case doesn't matter.
        entry: Entry that the text contains, of which case matters.
        language: Metadata language, or NO_LANGUAGE.
        host: Host of the image, or a domain that it is below; of a URL its host.
        fate: A fate, or one with a reason, as `screened:words`.
        uid: First digits of the uid.
        after: Uid of the last pair of the page before.
    """

    text: str = ""
    entry: str = ""
    language: str = ""
    host: str = ""
    fate: str = ""
    uid: str = ""
    after: str = ""

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Query:
        """Reads the parameters of a URL.

        Raises:
            UserError: A value is too long or none of those that it may have.
        """
        values = {name: given.get(name, "").strip() for name in cls.__dataclass_fields__}
        for name, value in values.items():
            if len(value) > _MOST_CHARACTERS:
                raise UserError(f"{name} has {len(value):,} characters: search for at most {_MOST_CHARACTERS:,}")
            if any(unicodedata.category(character) in ("Cc", "Cs") for character in value):
                raise UserError(f"{name} has a control character: search without it")
        for name in ("uid", "after"):
            values[name] = values[name].lower()
            if values[name] and not _UID.fullmatch(values[name]):
                raise UserError(f"{name} isn't a uid or the beginning of one: a uid has 32 hex digits")
        fate = values["fate"].partition(":")[0]
        if fate and fate not in list(Fate):
            raise UserError(f"state has no value {fate}: choose one of {', '.join(Fate)}")
        values["host"] = _host(values["host"])
        return cls(**values)


def _host(value: str) -> str:
    """Returns the host in a host or a URL."""
    found = _HOST.match(value.lower())
    host = found[1].strip(".") if found else ""
    if value and not host:
        raise UserError(f"host has no host in {value}: give one such as images.example.org")
    return host


@dataclass(frozen=True)
class FoundEntry:
    """An entry of a pair: itself, the number of texts that contain it, and its probability."""

    entry: str
    count: int
    probability: float


@dataclass(frozen=True)
class FoundPair:
    """A pair as the page shows it; the fields have the names of the tables' columns.

    Attributes:
        verdict: Why it was kept or not, in one sentence.
        entries: The entries that its text contains.
        has_image: Whether its image was downloaded.
    """

    uid: str
    url: str
    text: str
    page_url: str
    page_lang: str
    source_id: str
    lang: str
    lang_score: float
    metadata_lang: str
    fate: Fate
    reason: str
    verdict: str
    entries: list[FoundEntry]
    has_image: bool

    @property
    def is_veiled(self) -> bool:
        """Whether its text is shown on a click only."""
        return self.fate == Fate.REMOVED or self.reason in VEILED_REASONS


@dataclass(frozen=True)
class Found:
    """Pairs of a query.

    Attributes:
        total: Number of pairs that fit.
        pairs: Those of a page, in the order of their uids.
        more: Whether there are pairs after these.
        remark: Why nothing can fit; empty if something may.
    """

    total: int
    pairs: list[FoundPair] = field(default_factory=list)
    more: bool = False
    remark: str = ""


class SearchTooLongError(Exception):
    """A search took longer than a minute, and was ended."""


class Search:
    """Answers queries. Threads may share it.

    Args:
        index: The pairs.
        has_images: Whether the index has the table `images`.
    """

    def __init__(self, index: PairIndex, has_images: bool) -> None:
        self._index, self._has_images = index, has_images
        folder = index.folder
        self._thresholds = folder.summary(BalanceSummary).thresholds
        self._seed = int(folder.options_of("sample")["seed"])
        self._removed = RemovedPairs(folder)
        with index.cursor() as cursor:
            rows = cursor.execute(
                "SELECT metadata_lang, count(*) FROM pairs GROUP BY metadata_lang ORDER BY metadata_lang"
            ).fetchall()
        # Metadata languages of the pairs, and the number of pairs of each.
        self.languages: dict[str, int] = dict(rows)

    def find(self, query: Query, seconds: float = _MOST_SECONDS) -> Found:
        """Finds the pairs that fit.

        Args:
            query: What is asked for.
            seconds: Longest time.

        Raises:
            SearchTooLongError: It took longer.
        """
        import duckdb

        with self._index.cursor() as cursor:
            timer = threading.Timer(seconds, cursor.interrupt)
            timer.start()
            try:
                return self._find(cursor, query)
            except duckdb.InterruptException as error:
                raise SearchTooLongError from error
            finally:
                timer.cancel()

    def image(self, uid: str) -> tuple[str, str] | None:
        """Returns the shard and key of a pair's image; None if there is none."""
        if not self._has_images or not re.fullmatch("[0-9a-f]{32}", uid):
            return None
        with self._index.cursor() as cursor:
            found = cursor.execute("SELECT shard, key FROM images WHERE uid = ?::UUID", [uid]).fetchone()
        return (found[0], found[1]) if found else None

    def _find(self, cursor: duckdb.DuckDBPyConnection, query: Query) -> Found:
        conditions, values, remark = self._conditions(cursor, query)
        if remark:
            return Found(0, remark=remark)
        where = " AND ".join(conditions) or "TRUE"
        # One pass finds the number and the page. Reading other columns takes a second one, of few rows.
        counted = cursor.execute(
            f"SELECT count(*), arg_min(rowid, uid, {PAGE_ROWS + 1}) FILTER (uid > ?::UUID OR ?) "
            f"FROM pairs WHERE {where}",
            [query.after.ljust(32, "0"), not query.after, *values],
        ).fetchone()
        total, numbers = counted or (0, None)
        if not numbers:
            return Found(total)
        # From a subquery, unlike from a list, DuckDB reads the other columns of these rows alone: a tenth of the time.
        rows = cursor.execute(
            f"SELECT {', '.join(_COLUMNS)} FROM pairs WHERE rowid IN (SELECT unnest(?::BIGINT[])) "
            f"ORDER BY uid LIMIT {PAGE_ROWS}",
            [numbers],
        ).fetchall()
        named = [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
        entries, images = self._entries(cursor, named), self._images(cursor, named)
        return Found(total, [self._pair(row, entries, images) for row in named], len(numbers) > PAGE_ROWS)

    def _conditions(self, cursor: duckdb.DuckDBPyConnection, query: Query) -> tuple[list[str], list[Any], str]:
        """Returns SQL conditions, their values, and a remark if nothing can fit them."""
        found: list[tuple[str, list[Any]]] = []
        if query.language:
            if query.language not in {*self.languages, NO_LANGUAGE}:
                return [], [], f"There are no pairs of a language {query.language!r}: choose one from the list."
            found.append(("metadata_lang = ?", ["" if query.language == NO_LANGUAGE else query.language]))
        if query.fate:
            fate, _, reason = query.fate.partition(":")
            found.append(("fate = ?", [fate]))
            if reason:
                found.append(("reason = ?", [reason]))
        if query.host:
            found.append(("(host = ? OR ends_with(host, ?))", [query.host, f".{query.host}"]))
        if query.uid:
            found.append(("uid BETWEEN ?::UUID AND ?::UUID", [query.uid.ljust(32, "0"), query.uid.ljust(32, "f")]))
        if query.entry:
            condition = self._entry_condition(cursor, query)
            if condition is None:
                of = f" of {query.language}" if query.language else ""
                return [], [], f"No text{of} contains an entry {query.entry!r}: upper and lower case count."
            found.append(condition)
        if query.text:
            found.append(("contains(lower(text), lower(?))", [query.text]))
        return [condition for condition, _ in found], [value for _, values in found for value in values], ""

    def _entry_condition(self, cursor: duckdb.DuckDBPyConnection, query: Query) -> tuple[str, list[Any]] | None:
        """Returns the condition that a text contains an entry; None if no list has it."""
        rows = cursor.execute(
            "SELECT metadata_lang, list(entry_id) FROM entries WHERE normal = ? AND (metadata_lang = ? OR ?) "
            "GROUP BY metadata_lang",
            [self._index.normal_entry(query.entry), query.language, not query.language],
        ).fetchall()
        if not rows:
            return None
        conditions = " OR ".join("(metadata_lang = ? AND list_has_any(entry_ids, ?::INTEGER[]))" for _ in rows)
        return f"({conditions})", [value for row in rows for value in row]

    def _entries(
        self, cursor: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]]
    ) -> dict[tuple[str, int], tuple[str, int]]:
        """Returns entry and count of the entries of pairs."""
        ids: dict[str, set[int]] = {}
        for row in rows:
            ids.setdefault(row["metadata_lang"], set()).update(row["entry_ids"] or ())
        found = {}
        for language, of_language in ids.items():
            for entry_id, entry, count in cursor.execute(
                "SELECT entry_id, entry, count FROM entries "
                "WHERE metadata_lang = ? AND list_contains(?::INTEGER[], entry_id)",
                [language, sorted(of_language)],
            ).fetchall():
                found[language, entry_id] = (entry, count)
        return found

    def _images(self, cursor: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]]) -> set[Any]:
        """Returns the uids of the rows whose images were downloaded."""
        if not self._has_images:
            return set()
        uids = [row["uid"] for row in rows]
        found = cursor.execute("SELECT uid FROM images WHERE uid IN (SELECT unnest(?::UUID[]))", [uids]).fetchall()
        return {uid for (uid,) in found}

    def _pair(
        self, row: dict[str, Any], of_ids: Mapping[tuple[str, int], tuple[str, int]], images: set[Any]
    ) -> FoundPair:
        language, ids = row["metadata_lang"], row.pop("entry_ids") or []
        named = [of_ids[language, entry_id] for entry_id in ids]
        counts = np.array([count for _, count in named], dtype=np.int64)
        probabilities = balance.entry_probabilities(counts, self._thresholds.get(language, 1))
        entries = [
            FoundEntry(entry, count, float(probability))
            for (entry, count), probability in zip(named, probabilities, strict=True)
        ]
        has_image, row["uid"] = row["uid"] in images, row["uid"].hex
        fate = Fate(row.pop("fate"))
        says = self._verdict(row, fate, probabilities)
        del row["label"], row["detail"]
        return FoundPair(**row, fate=fate, verdict=says, entries=entries, has_image=has_image)

    def _verdict(self, row: dict[str, Any], fate: Fate, probabilities: balance.Floats) -> str:
        """Returns why a pair was kept or not, as `explain` does."""
        if fate == Fate.REMOVED or row["reason"] == REMOVED_REASON:
            image_id = image_id_column([row["url"]])[0].as_py()
            return screened_verdict(REMOVED_REASON, self._removed.removal({**row, "image_id": image_id}))
        if fate == Fate.SCREENED:
            return screened_verdict(row["reason"], None, row["detail"])
        if fate in (Fate.UNMATCHED, Fate.NO_METADATA):
            return unmatched_verdict(row["label"], row["metadata_lang"])
        if fate == Fate.OTHER_TEXT:
            return f"left out: {FATE_NAMES[fate]}"
        lists = pa.array([list(range(len(probabilities)))], pa.list_(pa.int32()))
        keep = float(balance.keep_probabilities(lists, probabilities)[0])
        return verdict(keep, float(balance.draws([row["uid"]], self._seed)[0]), row["uid"])
