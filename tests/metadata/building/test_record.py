"""What a build remembers, digests included."""

from __future__ import annotations

import os
import types
from pathlib import Path

import pytest

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.metadata.building.record import BuildRecord
from metaclip_curate.metadata.sources import digests as digests_module
from metaclip_curate.metadata.sources.digests import Digests
from metaclip_curate.storage import StorageOptions

STORAGE = StorageOptions()


def test_a_finished_step_is_remembered_with_what_made_it(tmp_path: Path) -> None:
    record = BuildRecord(str(tmp_path), STORAGE)
    options, sources = {"lowest_pmi": 30.0}, [["a.bz2", "1"], ["b.bz2", "2"]]
    assert record.reason_to_run("ngrams/de", options, sources) == ""
    record.finish("ngrams/de", options, sources, {"pages": 3})
    again = BuildRecord(str(tmp_path), STORAGE)
    assert again.reason_to_run("ngrams/de", options, sources) is None
    assert again.summary("ngrams/de") == {"pages": 3}
    assert again.fingerprint("ngrams/de") == record.fingerprint("ngrams/de") is not None
    assert again.fingerprint("ngrams/fr") is None


@pytest.mark.parametrize(
    ("options", "sources", "why"),
    [
        ({"lowest_pmi": 8.0}, [["a", "1"]], "--lowest-pmi was 30.0 and is 8.0"),
        ({}, [["a", "1"]], "--lowest-pmi was 30.0 and is not given"),
        ({"lowest_pmi": 30.0}, [["a", "2"]], "a changed"),
        ({"lowest_pmi": 30.0}, [], "a is gone"),
        ({"lowest_pmi": 30.0}, [["a", "1"], ["b", "1"]], "b is new"),
        ({"lowest_pmi": 30.0}, [["a", "2"], ["a", "1"]], "its files changed"),
    ],
)
def test_the_reason_says_what_changed(
    tmp_path: Path, options: dict[str, float], sources: list[list[str]], why: str
) -> None:
    record = BuildRecord(str(tmp_path), STORAGE)
    record.finish("ngrams/de", {"lowest_pmi": 30.0}, [["a", "1"]], {})
    before = record.fingerprint("ngrams/de")
    assert record.reason_to_run("ngrams/de", options, sources) == why
    record.forget("ngrams/de")
    assert BuildRecord(str(tmp_path), STORAGE).reason_to_run("ngrams/de", options, sources) == ""
    record.finish("ngrams/de", dict(options), sources, {})
    assert record.fingerprint("ngrams/de") != before


@pytest.mark.parametrize("content", ["{", "[]", '{"format": 2}', '{"format": 1}'])
def test_a_record_that_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "build.json").write_text(content)
    with pytest.raises(UserError, match=r"build\.json can't be read"):
        BuildRecord(str(tmp_path), STORAGE)


def test_a_digest_is_made_anew_only_when_the_file_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    digests = Digests(STORAGE)
    first = digests.of([str(path)])
    opened: list[str] = []

    def open_input(name: str, options: StorageOptions) -> storage.InputStream:
        opened.append(name)
        return storage.open_input(name, options)

    monkeypatch.setattr(digests_module, "storage", types.SimpleNamespace(open_input=open_input))
    again = Digests(STORAGE, digests.cached)
    assert again.of([str(path)]) == first
    assert opened == []
    os.utime(path, ns=(1, 1))
    assert again.of([str(path)]) == first
    path.write_bytes(b"two")
    assert again.of([str(path)]) != first
    assert len(opened) == 2
    path.unlink()
    with pytest.raises(UserError, match="can't be read"):
        again.of([str(path)])
