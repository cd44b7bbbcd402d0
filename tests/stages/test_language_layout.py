"""The files of a language."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from metaclip_curate.stages.language_layout import LanguageLayout, plan_layout

sizes = st.dictionaries(st.text("abcdefg", min_size=1, max_size=3), st.integers(0, 5000), max_size=40)


@settings(deadline=None)
@given(sizes, st.integers(1, 1000))
def test_files_are_used_and_hold_what_they_should(pairs: dict[str, int], per_file: int) -> None:
    layout = plan_layout(pairs, per_file)
    assert layout.shares.keys() == pairs.keys()
    loads = [0] * layout.files
    labels = [0] * layout.files
    for label, share in layout.shares.items():
        for place in range(share.first, share.first + share.splits):
            loads[place] += -(-pairs[label] // share.splits)
            labels[place] += 1
    assert all(labels) or not pairs
    assert all(load <= per_file for load in loads)
    # A large language shares with no other.
    assert all(labels[share.first] == 1 for label, share in layout.shares.items() if pairs[label] > per_file)
    # Not many more than the pairs need: small languages are put together.
    assert layout.files <= 2 * sum(pairs.values()) // per_file + len(pairs) + 1


def test_small_languages_share_a_file() -> None:
    layout = plan_layout({f"l{n:03d}": 10 for n in range(300)} | {"en": 5000}, 1000)
    assert layout.files == 5 + 3
    assert layout.shares["en"].splits == 5


def test_a_pair_goes_to_a_file_of_its_label() -> None:
    layout = plan_layout({"en": 30, "de": 5, "fr": 5}, 10)
    codes, hashes = np.array([0, 0, 0, 0, 1, 2]), np.arange(6, dtype=np.uint64)
    assert layout.files_of(["en", "de", "fr"], codes, hashes).tolist() == [0, 1, 2, 0, 3, 3]


def test_a_label_that_was_not_sampled_has_a_file() -> None:
    layout = plan_layout({"en": 30}, 10)
    labels = [f"x{number}" for number in range(50)]
    assert {layout.share(label).first for label in labels} == {0, 1, 2}
    assert LanguageLayout({}, 1).share("en") == (0, 1)
