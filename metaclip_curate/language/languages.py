"""The rows of languages.csv: a language's list of entries, and the labels of its texts.

The table has the labels of lid.176, GlotLID (arXiv 2310.16248) and OpenLID (arXiv 2305.13820). The latter two give
ISO 639-3 codes with scripts, such as `eng_Latn`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from metaclip_curate.errors import UserError

OTHER = "other"
LANGUAGES_CSV = Path(__file__).parent.parent / "metadata" / "data" / "languages.csv"
LANGUAGES_CSV_COLUMNS = (
    "code",
    "name",
    "script",
    "without_spaces",
    "wordnet",
    "lid176_labels",
    "glotlid_labels",
    "openlid_labels",
    "merged_into",
)


@dataclass(frozen=True)
class Language:
    """A row of languages.csv (metadata/README.md explains the columns).

    Attributes:
        code: Code of the language's Wikipedia, as in the names of its dumps.
        name: English name.
        without_spaces: Whether the language is written without spaces between words.
        wordnet: Code of its wordnet in Open Multilingual WordNet; empty if it has none.
        labels: Labels of all language-ID models, without `__label__`.
        metadata_language: Code of the language whose list takes its entries: its own, or the one it is merged into.
    """

    code: str
    name: str
    without_spaces: bool
    wordnet: str
    labels: tuple[str, ...]
    metadata_language: str


def read_languages(path: str | Path | None = None) -> tuple[Language, ...]:
    """Reads a table of languages.

    Args:
        path: CSV file with the columns code, lid176_labels and merged_into; the other columns of languages.csv may be
            missing. Labels are without `__label__`. Default: the languages.csv that the package ships.

    Returns:
        The rows, in the file's order.

    Raises:
        UserError: The file is missing or isn't such a table.
    """
    source = LANGUAGES_CSV if path is None else Path(path)
    return parse_languages(read_table(source), source)


def read_table(source: Path) -> bytes:
    """Returns the bytes of a table's file, whose digest a run records."""
    try:
        return source.read_bytes()
    except OSError as error:
        raise UserError(
            f"The language table {source} cannot be read ({error.strerror}); name an existing CSV file."
        ) from error


def parse_languages(data: bytes, source: Path) -> tuple[Language, ...]:
    """Returns the rows of a table.

    Args:
        data: Bytes of a CSV file in UTF-8, with or without a byte order mark.
        source: Path for error messages.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"The language table {source} is no CSV file in UTF-8 ({error}); save it as one.") from error
    return tuple(_parse_language(row, source) for row in rows)


def _parse_language(row: Mapping[str, str | None], source: Path) -> Language:
    code, labels, merged_into = (row.get(name) for name in ("code", "lid176_labels", "merged_into"))
    if not code or labels is None or merged_into is None:
        raise UserError(
            f"The language table {source} lacks a value in the columns code, lid176_labels, merged_into; "
            "give each row the columns that metadata/README.md lists."
        )
    of_models = [labels, row.get("glotlid_labels") or "", row.get("openlid_labels") or ""]
    return Language(
        code=code,
        name=row.get("name") or code,
        without_spaces=row.get("without_spaces") == "yes",
        wordnet=row.get("wordnet") or "",
        # GlotLID and OpenLID give most languages the same label.
        labels=tuple(dict.fromkeys(" ".join(of_models).split())),
        metadata_language=merged_into or code,
    )
