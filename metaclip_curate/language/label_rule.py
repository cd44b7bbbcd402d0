"""The label that a pair counts as: the model's, or that of the language which the page declares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate.language.languages import OTHER, Language, read_languages

# What follows the language in a tag (BCP 47, section 2.1). Pages write an underscore for the hyphen, too.
_OTHER_SUBTAGS = "[-_].*"
# Codes that BCP 47 replaced by others, and those of ISO 639 for which Wikipedia has another code.
_FORMER_CODES = {"in": "id", "iw": "he", "ji": "yi", "jw": "jv", "mo": "ro", "nb": "no", "hbs": "sh"}


@dataclass(frozen=True)
class LabelRule:
    """Which language a pair counts as: the model's label of its text, or what the page declares if that is unsure.

    Attributes:
        min_score: Probability of a label below which the page's language takes its place; None to keep all labels.
    """

    min_score: float | None = None

    @classmethod
    def of(cls, fallback: str, min_score: float) -> LabelRule:
        """Returns the rule of the options --lid-fallback and --min-lid-score."""
        return cls(min_score if fallback == "page" else None)

    def labels(self, lang: pa.Array, lang_score: pa.Array, page_lang: pa.Array) -> pa.Array:
        """Returns the label that each pair counts as.

        Args:
            lang: Labels of the model (string, n).
            lang_score: Their probabilities (float32, n).
            page_lang: Language tags of the pages in lower case (string, n). The primary subtag counts; one that
                isn't in `page_labels` leaves the model's label as it is.
        """
        if self.min_score is None:
            return lang
        unsure = pc.less(lang_score.cast(pa.float64()), self.min_score)
        known, labels = _page_labels()
        declared = labels.take(pc.index_in(pc.replace_substring_regex(page_lang, _OTHER_SUBTAGS, ""), value_set=known))
        return pc.if_else(pc.and_(unsure, declared.is_valid()), declared, lang)


@lru_cache(maxsize=1)
def page_labels() -> dict[str, str]:
    """Returns the label of the list that takes a page's texts, by the code of the language that the page declares.

    Pages declare codes of ISO 639-1, 639-2 and 639-3, codes that BCP 47 has replaced, and codes of Wikipedias. The
    label is one of lid.176; for a language whose texts belong to `other` it is the code of its Wikipedia. Where
    ISO 639-3 and a Wikipedia use the same code for two languages, ISO 639-3 counts: als is Tosk Albanian.
    """
    import iso639  # its table takes 50 ms to load

    rows = {row.code: row for row in read_languages()}
    labels = {code: _label_of_list(row, rows) for code, row in rows.items()}
    of_three_letters: dict[str, set[str]] = {}
    for code, row in rows.items():
        for label in row.labels:
            # GlotLID and OpenLID begin with the code of ISO 639-3, lid.176 has the codes of Wikipedias.
            primary, _, script = label.partition("_")
            if script:
                of_three_letters.setdefault(primary, set()).add(labels[code])
            else:
                labels.setdefault(label, labels[code])
    labels |= {code: next(iter(found)) for code, found in of_three_letters.items() if len(found) == 1}
    # The codes of macrolanguages, which the models don't have.
    for known in iso639.iter_langs():
        code = _FORMER_CODES.get(known.pt1, known.pt1)
        if code in labels:
            labels |= dict.fromkeys((known.pt3, known.pt2b), labels[code])
    labels |= {former: labels[code] for former, code in _FORMER_CODES.items()}
    return {code: label for code, label in labels.items() if 2 <= len(code) <= 3}


@lru_cache(maxsize=1)
def _page_labels() -> tuple[pa.Array, pa.Array]:
    labels = page_labels()
    return pa.array(list(labels), pa.string()), pa.array(list(labels.values()), pa.string())


def _label_of_list(row: Language, rows: Mapping[str, Language]) -> str:
    """Returns the label of the list that takes a language's texts; the language's own code if that is `other`."""
    if row.metadata_language == OTHER:
        return row.code
    return next(label for label in rows[row.metadata_language].labels if "_" not in label)
