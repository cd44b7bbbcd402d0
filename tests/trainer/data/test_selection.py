"""What an epoch uses, against the manifest's own rules and against its expectation."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from metaclip_curate import balance
from metaclip_curate.errors import UserError
from metaclip_curate.trainer.data.selection import Selection, derived_seed
from metaclip_curate.trainer.data.shards import TEXTS
from tests.support.made_shards import uid_of


def texts(images: int, texts_of_each: int = 1, languages: tuple[str, ...] = ("en", "sw")) -> pa.Table:
    number = np.arange(images * texts_of_each)
    return pa.table(
        {
            "image": number // texts_of_each,
            "uid": [uid_of(int(each)) for each in number],
            "text": [str(each) for each in number],
            "language": [languages[each % len(languages)] for each in number],
            "entry_ids": pa.array([[each % 3, 3] for each in number], pa.list_(pa.int32())),
        },
        schema=TEXTS,
    )


def test_offline_uses_each_pair_once() -> None:
    selection = Selection(seed=3)
    assert selection.takes_all
    assert selection.select(texts(50), epoch=7).tolist() == list(range(50))
    assert selection.expected_images(texts(50)) == 50


def test_weights_below_one_thin_and_above_one_repeat() -> None:
    table = texts(4000)
    selection = Selection(seed=1, weights={"en": 0.25, "sw": 2.5})
    assert (selection.copies, selection.expected_images(table)) == (3, 2000 * 0.25 + 2000 * 2.5)
    used = [selection.select(table, epoch=0, copy=copy) for copy in range(3)]
    languages = np.array(table["language"].to_pylist())
    by_language = [{name: int((languages[each] == name).sum()) for name in ("en", "sw")} for each in used]
    assert by_language[0]["en"] == pytest.approx(500, abs=60)
    assert [each["en"] for each in by_language[1:]] == [0, 0]
    assert [each["sw"] for each in by_language[:2]] == [2000, 2000]
    assert by_language[2]["sw"] == pytest.approx(1000, abs=80)
    # Another epoch draws others, the same one the same.
    assert used[0].tolist() != selection.select(table, epoch=1).tolist()
    assert used[0].tolist() == selection.select(table, epoch=0).tolist()


def test_a_weight_of_zero_leaves_a_language_out() -> None:
    assert Selection(weights={"sw": 0}).select(texts(10), epoch=0).tolist() == [0, 2, 4, 6, 8]


def test_online_draws_as_the_manifest_does_with_the_epochs_seed() -> None:
    table = texts(3000, texts_of_each=4)
    probabilities = {"en": np.array([0.01, 0.05, 0.3, 0.02]), "sw": np.array([1.0, 0.1, 0.2, 0.0])}
    selection = Selection(seed=5, entry_probabilities=probabilities)
    sizes = []
    for epoch in range(5):
        seed = derived_seed(5, epoch, 0)
        keys = balance.selection_keys(table["uid"].combine_chunks(), seed).reshape(3000, 4)
        selected = keys.argmin(axis=1) + np.arange(3000) * 4
        drawn = balance.draws(table["uid"].combine_chunks(), seed)[selected]
        keep = np.array(
            [
                1 - (1 - probabilities[row["language"]][row["entry_ids"][0]]) * (1 - probabilities[row["language"]][3])
                for row in table.take(pa.array(selected)).to_pylist()
            ]
        )
        used = selection.select(table, epoch)
        assert used.tolist() == selected[drawn < keep].tolist()
        sizes.append(len(used))
    assert len(set(sizes)) > 1
    assert np.mean(sizes) == pytest.approx(selection.expected_images(table), rel=0.05)


def test_online_with_weights_has_the_expected_size() -> None:
    table = texts(5000, texts_of_each=2)
    probabilities = {"en": np.full(4, 0.2), "sw": np.full(4, 0.6)}
    selection = Selection(weights={"sw": 3}, entry_probabilities=probabilities)
    drawn = np.mean(
        [sum(len(selection.select(table, epoch, copy)) for copy in range(selection.copies)) for epoch in range(4)]
    )
    # Each image has a text of either language; keep probabilities are 0.36 and 0.84.
    assert selection.expected_images(table) == pytest.approx(5000 * (0.36 + 3 * 0.84) / 2)
    assert drawn == pytest.approx(selection.expected_images(table), rel=0.03)


def test_mistakes() -> None:
    with pytest.raises(UserError, match="the weight of sw is -1"):
        Selection(weights={"sw": -1})
    with pytest.raises(UserError, match="the weight of sw is nan"):
        Selection(weights={"sw": float("nan")})
    with pytest.raises(UserError, match="seed must be"):
        Selection(seed=-1)
    with pytest.raises(UserError, match="no counts of the language sw"):
        Selection(entry_probabilities={"en": np.ones(4)}).select(texts(2), epoch=0)
