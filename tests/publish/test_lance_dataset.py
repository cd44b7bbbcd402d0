from __future__ import annotations

import sys
from pathlib import Path

import pyarrow as pa
import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.publish.lance_dataset import write_lance

ROWS = pa.table({"uid": ["a", "b"], "entry_ids": pa.array([[1, 2], []], pa.list_(pa.int32())), "score": [0.5, None]})


def test_the_data_set_has_the_rows(tmp_path: Path) -> None:
    lance = pytest.importorskip("lance")
    assert write_lance(ROWS.schema, ROWS.to_batches(), str(tmp_path / "a.lance")) == 2
    assert lance.dataset(str(tmp_path / "a.lance")).to_table().to_pylist() == ROWS.to_pylist()


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lance", None)
    with pytest.raises(UserError, match=r"pip install --editable '\.\[lance\]'"):
        write_lance(ROWS.schema, ROWS.to_batches(), str(tmp_path / "a.lance"))
