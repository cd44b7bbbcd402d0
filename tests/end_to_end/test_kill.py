"""A run that is killed again and again, and started again each time, has the tables of an undisturbed one.

While it works, a second command on its folder is refused; when it has died, the next one takes the folder over at once.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from examples.mini_pages import language_pages, read_languages
from examples.wat_writer import write_wat
from metaclip_curate.pipelines.curation import Pipeline
from metaclip_curate.pipelines.rounds import RoundReader
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.stages import STAGES
from metaclip_curate.run.tables import read_columns
from tests.support import runs
from tests.support.processes import kill_session

pytestmark = pytest.mark.usefixtures("spark")

FILES = 12
LANGUAGES = ("de", "en", "ja", "th")
OPTIONS: dict[str, Any] = {"files_per_round": 2, "dedup_passes": 2, "t": 8, "seed": 5}
_SLOWEST = 120.0  # seconds that a moment is waited for


@pytest.fixture(scope="module")
def wats(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Small files of some languages, neighbours with a page in common."""
    folder = tmp_path_factory.mktemp("wats")
    languages = read_languages()
    pages = list(chain.from_iterable(language_pages(code, languages[code]) for code in LANGUAGES))
    paths = []
    for number in range(FILES):
        paths.append(folder / f"{number:02}.warc.wat.gz")
        write_wat(paths[-1], [*pages[number::FILES], pages[(number + 1) % FILES]], compression_level=1)
    return paths


def stages(output: Path) -> dict[str, Any]:
    """What run.json says; it is replaced as a whole, so that it can be read at any moment."""
    state = output / "run.json"
    found: dict[str, Any] = json.loads(state.read_text())["stages"] if state.exists() else {}
    return found


def committed(output: Path, stage: str) -> int:
    return len(stages(output).get(stage, {}).get("parts", {}))


def has_files(folder: Path) -> bool:
    return any(path.name.endswith(".parquet") for path in folder.rglob("*"))


@dataclass(frozen=True)
class Moment:
    """When a run is killed.

    Attributes:
        stage: What it is doing then.
        has_come: Whether it is time, by the run folder.
        only_driver: Kill the command alone; its JVM and workers have to notice by themselves.
        with_second: Start a second command before.
    """

    stage: str
    has_come: Callable[[Path], bool]
    only_driver: bool = False
    with_second: bool = False


MOMENTS = [
    Moment("extract", lambda output: committed(output, "extract") >= 3, only_driver=True),
    Moment("dedup", lambda output: committed(output, "dedup") >= 1, with_second=True),
    Moment("sample", lambda output: has_files(output / "manifest")),
]


@contextmanager
def started(output: Path, wats: list[Path], metadata: Path, scratch: Path) -> Iterator[subprocess.Popen[str]]:
    """The command in a process of its own; nothing of it is left afterwards."""
    given = ["--input", *map(str, wats), "--metadata", str(metadata), "--output", str(output)]
    for name, value in OPTIONS.items():
        given += ["--" + name.replace("_", "-"), str(value)]
    program = Path(sys.executable).parent / "metaclip-curate"
    command = [str(program), "run", *given, "--master", "local[2]", "--driver-memory", "1g", "--no-report"]
    environment = os.environ | {"SPARK_LOCAL_DIRS": str(scratch), "TMPDIR": str(scratch)}
    scratch.mkdir(exist_ok=True)
    with (scratch / "log").open("w") as file:
        process = subprocess.Popen(
            command, stdout=file, stderr=subprocess.STDOUT, text=True, env=environment, start_new_session=True
        )
        try:
            yield process
        finally:
            kill_session(process)


def log(scratch: Path) -> str:
    return (scratch / "log").read_text()


def wait_for(moment: Moment, output: Path, process: subprocess.Popen[str], scratch: Path) -> None:
    end = time.monotonic() + _SLOWEST
    while not moment.has_come(output):
        assert process.poll() is None, log(scratch)
        assert time.monotonic() < end, log(scratch)
        time.sleep(0.005)


def test_a_run_killed_at_any_moment_equals_an_undisturbed_one(tmp_path: Path, wats: list[Path]) -> None:
    metadata, output, scratch = tmp_path / "metadata", tmp_path / "killed", tmp_path / "scratch"
    runs.write_metadata_for(wats, metadata)
    runs.run(tmp_path / "undisturbed", wats, metadata, **OPTIONS)
    expected = runs.tables(tmp_path / "undisturbed")

    spoilt: set[str] = set()
    killed = ""
    for moment in MOMENTS:
        with started(output, wats, metadata, scratch) as process:
            wait_for(moment, output, process, scratch)
            if killed:
                assert re.search(f"is taken over from process {killed} on .* has died$", log(scratch), re.MULTILINE)
            killed = str(process.pid)
            if moment.with_second:
                process.send_signal(signal.SIGSTOP)  # as far as it is, however long the second one takes
                with started(output, wats, metadata, tmp_path / "second") as second:
                    assert second.wait(_SLOWEST) == 2
                last = log(tmp_path / "second").splitlines()[-1]
                assert f"metaclip-curate: {output} is being written by process {process.pid} on " in last
            if moment.only_driver:
                process.kill()
                process.wait()
            else:
                kill_session(process)
            assert not stages(output)[moment.stage].get("finished")
            assert list(stages(output)) == list(STAGES[: STAGES.index(moment.stage) + 1])
            # What was read is never read again: reading it would find something else now.
            done = read_columns(RunFolder(str(output)), "extract", "inputs", ["path"]).to_pylist()
            for path in {row["path"] for row in done} - spoilt:
                Path(path).write_bytes(b"spoilt")
                spoilt.add(path)
    assert len(spoilt) == FILES

    with started(output, wats, metadata, scratch) as process:
        assert process.wait(_SLOWEST) == 0, log(scratch)
    assert runs.tables(output) == expected
    assert not (output / "_work").exists()
    assert manifest_bytes(output) == manifest_bytes(tmp_path / "undisturbed")


def manifest_bytes(output: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (output / "manifest").iterdir()}


class Died(Exception):
    """Stands for the process's end."""


def test_a_round_that_ended_before_an_earlier_one_stays(
    tmp_path: Path, mini_wats: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two rounds in flight the second is committed and the first isn't: no later part takes the second's place."""
    second = threading.Event()

    def read_round(self: RoundReader, part: str, *rest: Any) -> Any:
        if part == "00000":
            assert second.wait(_SLOWEST)
            raise Died
        rows = real(self, part, *rest)
        second.set()
        return rows

    def extract(output: Path) -> list[list[dict[str, Any]]]:
        options = runs.options(output, mini_wats, tmp_path, files_per_round=1)
        Pipeline(options, log=lambda line: None).extract()
        return [runs.table(output, "pairs"), runs.table(output, "inputs")]

    real = RoundReader._read_round
    with monkeypatch.context() as patched:
        patched.setattr(RoundReader, "_read_round", read_round)
        with pytest.raises(Died):
            extract(tmp_path / "run")
    assert list(RunFolder(str(tmp_path / "run")).parts("extract")) == ["00001"]
    assert extract(tmp_path / "run") == extract(tmp_path / "undisturbed")
