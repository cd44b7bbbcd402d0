"""Ids in hex digits and as bytes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from metaclip_curate.extract.hex_strings import from_hex, to_hex


def test_there_and_back() -> None:
    ids = pa.array(["00ff", "1234", "abcd"])
    assert from_hex(ids, 2).tolist() == [[0, 255], [0x12, 0x34], [0xAB, 0xCD]]
    assert to_hex(from_hex(ids, 2)) == ids
    assert from_hex(ids.slice(1, 1), 2).tolist() == [[0x12, 0x34]]
    assert to_hex(np.empty((0, 2), np.uint8)) == pa.array([], pa.string())
    assert from_hex(pa.array([], pa.string()), 2).shape == (0, 2)


@pytest.mark.parametrize("ids", [["00"], ["0000", "000000"], ["00gg"]])
def test_other_strings_are_refused(ids: list[str]) -> None:
    with pytest.raises(ValueError, match=r"hex"):
        from_hex(pa.array(ids), 2)
