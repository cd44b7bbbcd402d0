"""The temporary file of explore, which doesn't outlive it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from metaclip_curate.errors import JobFailedError, UserError
from metaclip_curate.inspect.explore.index import PairIndex
from metaclip_curate.options.explore import ExploreOptions
from metaclip_curate.run.finished import open_finished
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.storage import StorageOptions
from tests.support import made_run

duckdb = pytest.importorskip("duckdb")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    root = tmp_path_factory.mktemp("index") / "run"
    made_run.write_run(root, made_run.matched_rows(images=20, seed=7))
    return open_finished(str(root), "sample", StorageOptions())


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("error", [None, UserError, KeyboardInterrupt])
def test_the_file_is_removed_at_the_end(folder: RunFolder, temporary: Path, error: type[BaseException] | None) -> None:
    def serve() -> None:
        with PairIndex(folder, ExploreOptions()):
            (made,) = temporary.iterdir()
            assert made.name.startswith("metaclip-curate-explore-")
            assert (made / "pairs.duckdb").exists()
            if error:
                raise error

    if error:
        with pytest.raises(error):
            serve()
    else:
        serve()
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (KeyboardInterrupt(), KeyboardInterrupt),
        (UserError("a table is damaged"), UserError),
        (duckdb.IOException("no space left"), JobFailedError),
        (duckdb.InvalidInputException("Arrow can't read it"), OSError),
    ],
)
def test_the_file_is_removed_if_the_pairs_cannot_be_read(
    folder: RunFolder,
    temporary: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    raised: type[BaseException],
) -> None:
    def fail(self: PairIndex) -> None:
        assert list(temporary.iterdir())
        raise error

    monkeypatch.setattr(PairIndex, "_build", fail)
    with pytest.raises(raised) as caught:
        PairIndex(folder, ExploreOptions())
    # The traceback still has the index, so that nothing has been removed by the garbage collector.
    assert caught.tb is not None
    assert list(temporary.iterdir()) == []
