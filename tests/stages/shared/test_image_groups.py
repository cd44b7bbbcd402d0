"""Products over images are the same wherever batches end."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metaclip_curate.stages.shared.image_groups import ALL, ImageGroups

texts = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 2), st.floats(0, 1), st.floats(0, 1)), max_size=40)


@pytest.mark.slow
@settings(deadline=None)
@given(texts, st.lists(st.integers(0, 40), max_size=6))
def test_image_groups_are_products_wherever_batches_end(
    unsorted: list[tuple[int, int, float, float]], cuts: list[int]
) -> None:
    rows = sorted(unsorted)
    groups = ImageGroups(candidates=2)
    found: list[tuple[int, float, float]] = []
    edges = sorted({0, *(min(cut, len(rows)) for cut in cuts), len(rows)})
    for start, end in pairwise(edges):
        piece = rows[start:end]
        lost = np.array([[row[2] for row in piece], [row[3] for row in piece]])
        languages = np.array([row[1] for row in piece], dtype=np.int32)
        labels, kept = groups.add(pa.array([f"{row[0]:024x}" for row in piece]), languages, lost)
        found += zip(labels.tolist(), *kept.tolist(), strict=True)
    labels, kept = groups.rest()
    found += zip(labels.tolist(), *kept.tolist(), strict=True)
    expected: list[tuple[int, float, float]] = []
    for image in sorted({row[0] for row in rows}):
        products = {}
        for language in sorted({row[1] for row in rows if row[0] == image}):
            of_group = [row for row in rows if row[:2] == (image, language)]
            products[language] = [math.prod(row[place] for row in of_group) for place in (2, 3)]
            expected.append((language, 1.0 - products[language][0], 1.0 - products[language][1]))
        whole = [math.prod(product[place] for product in products.values()) for place in (0, 1)]
        expected.append((ALL, 1.0 - whole[0], 1.0 - whole[1]))
    assert sorted(found) == sorted(expected)  # to the last bit
