"""Patterns over the names in an object store."""

from __future__ import annotations

import fnmatch

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from metaclip_curate.storage.globs import fixed_folder, pattern_of


@given(st.text("ab/.[]!?*-", max_size=8), st.text("ab/.-", max_size=8))
def test_without_slashes_patterns_are_fnmatchs(pattern: str, name: str) -> None:
    """Without slashes, ** and sets, patterns mean the same as in the standard library."""
    pattern = pattern.replace("/", "").replace("[", "").replace("**", "*").replace("**", "*")
    name = name.replace("/", "")
    assume("**" not in pattern)
    assert bool(pattern_of(pattern).fullmatch(name)) == fnmatch.fnmatchcase(name, pattern)


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("*/a", ["x/a"], ["a", "x/y/a"]),
        ("**/a", ["a", "x/a", "x/y/a"], ["xa"]),
        ("x/**", ["x/a", "x/y/a"], ["y/x/a"]),
        ("[a-c]?.wat", ["a1.wat"], ["d1.wat", "a/.wat"]),
        ("[!a].gz", ["b.gz"], ["a.gz", "^.gz.gz"]),
        ("[.gz", ["[.gz"], ["a.gz"]),
        ("a+(b)", ["a+(b)"], ["aab"]),
    ],
)
def test_patterns(pattern: str, matching: list[str], other: list[str]) -> None:
    assert all(pattern_of(pattern).fullmatch(name) for name in matching)
    assert not any(pattern_of(pattern).fullmatch(name) for name in other)


def test_fixed_folder() -> None:
    assert fixed_folder("s3://b/x/y*/z") == "s3://b/x/"
    assert fixed_folder("s3://b/*") == "s3://b/"
