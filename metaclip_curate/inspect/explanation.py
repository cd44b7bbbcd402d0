"""What is known of a pair's way through the stages, and the sentence that sums it up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from metaclip_curate.screens.reasons import REASON_NAMES

REMOVED_REASON = "removed"


@dataclass(frozen=True)
class ContainedEntry:
    """An entry that a text contains.

    Attributes:
        entry_id: Position of the entry in the language's list.
        entry: The entry itself.
        count: Number of the run's texts that contain it.
        head: Whether count >= t.
        probability: Entry probability, min(1, t / count).
    """

    entry_id: int
    entry: str
    count: int
    head: bool
    probability: float


@dataclass(frozen=True)
class Explanation:
    """A pair, or a text without a URL, and what each stage did or would do with it.

    Attributes:
        verdict: Whether it was kept, and why, in one sentence.
        kept: Whether it is in the manifest; None if the run has never seen it.
        uid: Its uid; empty for a text without a URL.
        url: The image's URL; empty if none is known.
        text: The text.
        lang: Label of the language-ID model.
        lang_score: Probability of the label.
        metadata_lang: Language whose entries were searched for; empty if there is none.
        page_lang: Language that its page declares; empty if the page declares none, or none is known.
        origins: Where the pair was found, one for each input file, first the one that deduplication kept.
        t: Threshold of the language; None if no text of the language matched.
        entries: Entries that the text contains.
        keep_probability: 1 - product of (1 - entry probability); None without an entry.
        draw: Number that is compared with the keep probability; None without a uid.
        selected: The uid that was selected among the image's texts, if one text draws for each image.
        reason: Why a screen rejected it, one of `screens.reasons.REASONS` or `IMAGE_REASONS`; None if none did.
    """

    verdict: str
    kept: bool | None
    uid: str
    url: str
    text: str
    lang: str
    lang_score: float
    metadata_lang: str
    page_lang: str = ""
    origins: list[dict[str, str]] = field(default_factory=list)
    t: int | None = None
    entries: list[ContainedEntry] = field(default_factory=list)
    keep_probability: float | None = None
    draw: float | None = None
    selected: str | None = None
    reason: str | None = None


def verdict(keep_probability: float, draw: float, uid: str, selected: str | None = None) -> str:
    """Returns the sentence about a pair that was matched; of a pair that was kept, it begins with "kept".

    Args:
        keep_probability: Its keep probability.
        draw: Its draw.
        uid: Its uid.
        selected: The uid that was selected among the image's texts; None if all of them draw.
    """
    if selected is not None and selected != uid:
        return f"left out: of the image's texts the one of {selected} was selected"
    if draw < keep_probability:
        return f"kept: the draw {draw:.4g} is below the keep probability {keep_probability:.4g}"
    return f"dropped: the draw {draw:.4g} isn't below the keep probability {keep_probability:.4g}"


def screened_verdict(reason: str, removal: Mapping[str, str] | None, detail: str = "") -> str:
    """Returns the sentence about a pair that a screen rejected.

    Args:
        reason: The reason, one of `screens.reasons.REASONS` or `IMAGE_REASONS`.
        removal: The row of `removed` that applies to the pair; None without one.
        detail: What the screen found, in words; empty if that isn't known.
    """
    if reason == REMOVED_REASON and removal:
        value = f"{removal['kind'].replace('_', ' ')} {removal['value']}"
        return f"removed: the {value} was taken down on {removal['date'][:10]} ({removal['reason']})"
    return f"rejected: {REASON_NAMES[reason]} (screen {reason}{f': {detail}' if detail else ''})"


def unmatched_verdict(label: str, metadata_lang: str) -> str:
    """Returns the sentence about a pair that wasn't matched.

    Args:
        label: Label of the language-ID model.
        metadata_lang: Language whose entries were searched for; empty if there is none.
    """
    if not metadata_lang:
        return (
            f"left out: the run has no metadata for the language {label}, and no list `other` for languages without one"
        )
    return f"left out: it contains no entry of the metadata of {metadata_lang}"


def unseen_verdict(fate: str, source: str = "") -> str:
    """Returns the sentence about a text that a run has never seen.

    Args:
        fate: What the run would do with it.
        source: Of a rebalanced run, the run whose downloaded pairs it has; empty for other runs.
    """
    elsewhere = f", which has only the downloaded pairs of {source}: look for it there" if source else ""
    return f"not seen by this run{elsewhere}; {fate}"
