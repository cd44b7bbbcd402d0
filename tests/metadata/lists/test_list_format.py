"""Lists are parsed to the entries that were written, and never to too many bytes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaclip_curate.errors import UserError
from metaclip_curate.metadata.lists import list_format
from tests.support.compressed import zstd

# The characters that a line of a .txt file may have.
ENTRY = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=20)


@given(st.lists(ENTRY.filter(lambda entry: not entry.endswith("\r")), max_size=10))
def test_lines_come_back(entries: list[str]) -> None:
    data = "".join(f"{entry}\n" for entry in entries)
    if data.startswith("\ufeff"):
        data = "\ufeff" + data
    assert list_format.parse_list(data.encode(), "en.txt") == entries
    assert list_format.parse_list(zstd(data.encode()), "en.txt.zst") == entries


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=10))
def test_json_comes_back(entries: list[str]) -> None:
    assert list_format.parse_list(json.dumps(entries).encode(), "en.json") == entries


def test_a_list_that_unpacks_to_too_much_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_format, "_MOST_UNPACKED_BYTES", 1 << 20)
    with pytest.raises(UserError, match=r"en\.txt\.zst unpacks to more than 1 MiB"):
        list_format.parse_list(zstd(bytes(5 << 20)), "en.txt.zst")
