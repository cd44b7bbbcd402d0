"""The bytes of other tools' formats."""

from __future__ import annotations

import io
import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaclip_curate.publish import export
from tests.support.strategies import uids

# DataComp's documentation gives these two as its example.
FIRST, SECOND = "139e4a9b22a614771f06c700a8ebe150", "6e356964a967af455c8016b75d691203"


def uid_file(parts: list[list[str]]) -> np.ndarray:
    file = io.BytesIO()
    count = sum(map(len, parts))
    export.write_uid_file(file, count, (export.uid_pairs(pa.array(part, pa.string())).tobytes() for part in parts))
    file.seek(0)
    array: np.ndarray = np.load(file, allow_pickle=False)
    return array


def test_a_uid_is_two_numbers() -> None:
    array = uid_file([[FIRST], [SECOND]])
    assert array.dtype == np.dtype("u8,u8")
    assert array.shape == (2,)
    assert array.tolist() == [
        (0x139E4A9B22A61477, 0x1F06C700A8EBE150),
        (0x6E356964A967AF45, 0x5C8016B75D691203),
    ]


@given(st.lists(uids(), unique=True), st.integers(0, 30))
def test_sorted_uids_are_a_sorted_array(unsorted: list[str], cut: int) -> None:
    ordered = sorted(unsorted)
    array = uid_file([ordered[:cut], ordered[cut:]])
    assert array.tolist() == sorted((int(uid[:16], 16), int(uid[16:], 16)) for uid in unsorted)
    again = np.sort(array)
    assert (again == array).all()
    # What NumPy itself writes of the array is the same file.
    theirs = io.BytesIO()
    np.save(theirs, array)
    ours = io.BytesIO()
    export.write_uid_file(ours, len(ordered), [array.tobytes()])
    assert ours.getvalue() == theirs.getvalue()


def test_parts_that_do_not_add_up_are_an_error() -> None:
    with pytest.raises(RuntimeError, match="16 bytes for 2 uids"):
        export.write_uid_file(io.BytesIO(), 2, [b"\0" * 16])


@pytest.mark.parametrize("uid", ["", "12", FIRST[:-1], FIRST + "00", "x" * 32])
def test_what_is_no_uid(uid: str) -> None:
    with pytest.raises(ValueError, match="hex"):
        export.uid_pairs(pa.array([FIRST, uid]))


def test_shards_lie_in_folders_of_two_thousand() -> None:
    assert [export.shard_name(shard) for shard in (0, 1999, 2000, 400_000)] == [
        "0/0.json",
        "0/1999.json",
        "2000/2000.json",
        "400000/400000.json",
    ]
    assert export.probabilities_name(170_000, "de") == "per_lang_t/170000_de.npy"


def test_a_shard_is_json() -> None:
    data = export.shard_json({"0a": [('猫 "x"', "ja", [1, 2]), ("Katze", "de", [5])], "0b": []})
    assert json.loads(data) == {"0a": [['猫 "x"', "ja", [1, 2]], ["Katze", "de", [5]]], "0b": []}
    assert "猫".encode() in data
