"""The metadata language that each label of a language-ID model stands for (spec section 2, matched)."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate.errors import UserError
from metaclip_curate.language.languages import LANGUAGES_CSV, OTHER, parse_languages, read_table
from metaclip_curate.language.string_arrays import string_array


@dataclass(frozen=True)
class LanguageTable:
    """Metadata language of each language-ID label; labels that aren't in the table belong to `other`.

    Attributes:
        labels: Metadata language (the code of a Wikipedia) by label (without `__label__`).
        digest: SHA-256 of the file that the table was read from, 64 hex digits; empty for a table made in code.
    """

    labels: Mapping[str, str]
    digest: str = field(default="", compare=False)

    def metadata_language(self, label: str, available: Collection[str] | None = None) -> str:
        """Returns the metadata language of a label, or `other`.

        Args:
            label: Language-ID label.
            available: Languages that have a list of entries; a label of any other language belongs to `other`.
                Default: all languages.
        """
        language = self.labels.get(label, OTHER)
        return language if available is None or language in available else OTHER

    def map_labels(self, labels: Any) -> pa.Array:
        """Returns the metadata language of each label.

        Args:
            labels: n labels, a pyarrow string array or anything that `pyarrow.array` takes.

        Returns:
            Metadata languages (string, n); `other` for unknown labels and for nulls.
        """
        known = pa.array(list(self.labels.keys()), pa.string())
        languages = pa.array(list(self.labels.values()), pa.string())
        positions = pc.index_in(string_array(labels), value_set=known)
        return languages.take(positions).fill_null(OTHER)


def load_language_table(path: str | Path | None = None) -> LanguageTable:
    """Reads the metadata language of each label.

    Args:
        path: As for `read_languages`.

    Raises:
        UserError: The file is missing, isn't such a table, or gives a label to two languages.
    """
    source = LANGUAGES_CSV if path is None else Path(path)
    data = read_table(source)
    labels: dict[str, str] = {}
    for language in parse_languages(data, source):
        for label in language.labels:
            if label in labels:
                raise UserError(
                    f"The language table {source} gives the label {label} to two rows, the second is {language.code}; "
                    "keep one."
                )
            labels[label] = language.metadata_language
    if not labels:
        raise UserError(f"The language table {source} has no label; fill its column lid176_labels.")
    return LanguageTable(labels, hashlib.sha256(data).hexdigest())
