"""run.json is replaced as a whole, and only by the run that read or wrote it last."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from metaclip_curate import storage
from metaclip_curate.errors import JobFailedError, UserError
from metaclip_curate.run.record import RunRecord, StageRecord
from metaclip_curate.run.record_file import RecordFile
from metaclip_curate.storage import StorageOptions

FIRST = RunRecord(frozenset(), {"extract": StageRecord(options={"seed": 1})})
SECOND = RunRecord(frozenset(), {"extract": StageRecord(options={"seed": 2})})


def test_a_record_is_written_and_read(tmp_path: Path) -> None:
    file = RecordFile(str(tmp_path), StorageOptions())
    assert file.read() is None
    assert not file.exists
    for record in (FIRST, SECOND):
        file.write(record)
        assert file.exists
        assert RecordFile(str(tmp_path), StorageOptions()).read() == record
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_what_another_run_wrote_is_not_replaced(tmp_path: Path) -> None:
    mine, others, late = (RecordFile(str(tmp_path), StorageOptions()) for _ in range(3))
    mine.write(FIRST)
    assert others.read() == FIRST
    others.write(SECOND)
    for file in (mine, late):
        with pytest.raises(JobFailedError, match=r"run\.json was written by another run"):
            file.write(FIRST)
    assert RecordFile(str(tmp_path), StorageOptions()).read() == SECOND


def test_a_store_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*given: object) -> None:
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(storage, "create_file", fail)
    with pytest.raises(UserError, match=rf"can't write to {tmp_path} \(Disk quota exceeded\): give another --output"):
        RecordFile(str(tmp_path), StorageOptions()).write(FIRST)
