"""Expressions over columns, against Python's own answers."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.screens.column import ColumnScreen
from metaclip_curate.screens.expression import Expression
from metaclip_curate.screens.pairs import ScreenedPairs

ROWS: list[dict[str, Any]] = [
    {"score": 0.05, "width": 100, "label": "cat", "safe": True},
    {"score": 0.5, "width": 2000, "label": "dog", "safe": False},
    {"score": -1.0, "width": 0, "label": "it's", "safe": True},
]
COLUMNS = pa.Table.from_pylist(ROWS).combine_chunks().to_batches()[0]


@pytest.mark.parametrize(
    "text",
    [
        "score < 0.1",
        "score >= 0.05 and width != 100",
        "score > -0.5 or label == 'it\\'s'",
        "not (width > 50) or safe == False",
        "0 <= score < 0.5",
        'label in ("cat", "dog") and label not in ["dog"]',
        "width == 100 or width == 2000 and score < 0.1",
    ],
)
def test_conditions_are_pythons(text: str) -> None:
    expression = Expression(text)
    expression.check({field.name: field.type for field in COLUMNS.schema})
    found = expression.compute({name: COLUMNS.column(name) for name in COLUMNS.schema.names})
    assert found.to_pylist() == [eval(text, {}, dict(row)) for row in ROWS]  # of these texts alone


def test_a_null_passes() -> None:
    rows = pa.RecordBatch.from_pydict({"score": pa.array([0.05, 0.5, None]), "other": pa.array([1, None, None])})
    assert ColumnScreen(Expression("score < 0.1")).rejects(ScreenedPairs(rows, "")).tolist() == [False, True, False]
    # False whatever the other column is.
    both = ColumnScreen(Expression("score < 0.1 and other == 1"))
    assert both.rejects(ScreenedPairs(rows, "")).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("score <", "can't be read"),
        ("score", "isn't a condition"),
        ("1 < 2", "names no column"),
        ("nothing < 0.1", "names nothing, which isn't a column that --keep-columns kept: the kept columns are score"),
        ("score < 'a'", "can't be computed"),
        ("not width", "can't be computed"),
        ("score is 1", "has `is`, which isn't allowed"),
        ("score in label", "needs a list of values after `in`"),
        ("open('x') == score", r"has open\('x'\), which isn't allowed|names open"),
        ("score.real < 1", "has score.real, which isn't allowed"),
        ("score + 1 < 2", r"has score \+ 1, which isn't allowed"),
    ],
)
def test_what_isnt_a_condition_is_refused_with_what_is(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Expression(text).check({field.name: field.type for field in COLUMNS.schema})
