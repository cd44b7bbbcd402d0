"""The command line: options from dataclasses, and what a user's mistake gets."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from metaclip_curate.cli import main
from metaclip_curate.errors import JobFailedError, UserError
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.stages import STAGES
from metaclip_curate.spark import java
from tests.conftest import ROOT
from tests.support import made_run


@pytest.fixture()
def metadata(tmp_path: Path) -> Path:
    folder = tmp_path / "metadata"
    folder.mkdir()
    (folder / "en.json").write_text('["a"]')
    return folder


def run(mini_wats: list[Path], metadata: Path | str, output: Path | str, *more: str) -> int:
    given = ["run", "--input", *map(str, mini_wats), "--metadata", str(metadata), "--output", str(output), *more]
    return main(given)


def assert_one_sentence(capsys: pytest.CaptureFixture[str], *parts: str) -> None:
    printed = capsys.readouterr().err.strip()
    assert printed.startswith("metaclip-curate: ")
    assert "\n" not in printed
    assert "Traceback" not in printed
    for part in parts:
        assert part in printed


def test_a_missing_input(tmp_path: Path, metadata: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--input", "gone.wat.gz", "--metadata", str(metadata), "--output", str(tmp_path / "o")]) == 2
    assert_one_sentence(capsys, "gone.wat.gz")
    assert not (tmp_path / "o").exists()


def test_an_empty_folder(tmp_path: Path, metadata: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert run([tmp_path / "empty"], metadata, tmp_path / "o") == 2
    assert_one_sentence(capsys, "empty")
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize("given", ["inputs", "inputs/a.warc.wat.gz", "."])
def test_an_input_inside_the_output(
    tmp_path: Path, metadata: Path, mini_wats: list[Path], capsys: pytest.CaptureFixture[str], given: str
) -> None:
    """As a download folder that is taken for the run folder too: its tables would take the inputs' place."""
    path = tmp_path / "dl" / "inputs" / "a.warc.wat.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(mini_wats[0].read_bytes())
    assert run([tmp_path / "dl" / given], metadata, tmp_path / "dl") == 2
    assert_one_sentence(capsys, f"--input {path} lies inside --output {tmp_path / 'dl'}")
    assert [file for file in (tmp_path / "dl").rglob("*") if file.is_file()] == [path]


def test_an_output_that_is_the_metadata_folder(
    metadata: Path, mini_wats: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(metadata.iterdir())
    assert run(mini_wats, metadata, metadata) == 2
    assert_one_sentence(capsys, f"--output {metadata} is the metadata folder {metadata}", "another --output")
    assert sorted(metadata.iterdir()) == before


@pytest.mark.parametrize("name", ["pairs", "figures", "_work"])
def test_an_output_with_something_of_the_users_under_a_runs_name(
    tmp_path: Path, metadata: Path, mini_wats: list[Path], capsys: pytest.CaptureFixture[str], name: str
) -> None:
    mine = tmp_path / "dl" / name / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    assert run(mini_wats, metadata, tmp_path / "dl") == 2
    assert_one_sentence(capsys, f"{tmp_path / 'dl' / name} already exists, and no run made it", "another --output")
    assert [file for file in (tmp_path / "dl").rglob("*") if file.is_file()] == [mine]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mistake", "stage"),
    [("--input", "extract"), ("--input", "sample"), *(("--metadata", stage) for stage in STAGES), ("--lid", "match")],
)
def test_nothing_is_done_again_where_something_that_was_given_is_wrong(
    tmp_path: Path,
    metadata: Path,
    mini_wats: list[Path],
    capsys: pytest.CaptureFixture[str],
    stage: str,
    mistake: str,
) -> None:
    made_run.write_run(tmp_path / "run", made_run.matched_rows(images=10, seed=1))
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    inputs = [tmp_path / "gone.wat"] if mistake == "--input" else mini_wats
    lists = tmp_path / "gone" if mistake == "--metadata" else metadata
    more = ["--lid-fallback", "page"] if mistake == "--lid" else []
    # With inputs the stages before the named one would be checked as well.
    named = ["--input", *map(str, inputs)] if mistake == "--input" or stage == "extract" else []
    given = [*named, "--metadata", str(lists), "--output", str(tmp_path / "run"), "--again-from", stage, *more]
    assert main(["run", *given]) == 2
    assert_one_sentence(capsys, "--lid-fallback none, and the command says page" if mistake == "--lid" else "gone")
    assert {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()} == before


def test_metadata_without_the_anchor(
    tmp_path: Path, metadata: Path, mini_wats: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(mini_wats, metadata, tmp_path / "o", "--anchor-language", "de") == 2
    assert_one_sentence(capsys, "anchor language de", "de.json", "--same-t")
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize("content", ["[1]", "[", '{"a": 1}', '["\\ud800"]'])
def test_malformed_metadata(
    tmp_path: Path, metadata: Path, mini_wats: list[Path], capsys: pytest.CaptureFixture[str], content: str
) -> None:
    (metadata / "de.json").write_text(content)
    assert run(mini_wats, metadata, tmp_path / "o") == 2
    assert_one_sentence(capsys, "de.json")
    assert not (tmp_path / "o").exists()


WRITES_METADATA = pytest.mark.parametrize(
    "words",
    [
        ["build", "--languages", "sw", "--sources", "sources"],
        ["fetch", "--languages", "sw", "--date", "20250101"],
        ["import", "list.json", "--language", "sw"],
    ],
)


@WRITES_METADATA
def test_a_file_where_metadata_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("list.json", "file"):
        Path(name).write_text('["a"]')
    Path("sources").mkdir()
    assert main(["metadata", *words, "--output", "file"]) == 2
    assert_one_sentence(capsys, "file is a file and not a folder: name another one")
    assert Path("file").read_text() == '["a"]'


@WRITES_METADATA
def test_a_run_folder_where_metadata_would_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("list.json").write_text('["a"]')
    Path("sources").mkdir()
    RunFolder("out").begin("extract", {}, "")
    before = sorted(Path("out").iterdir())
    assert main(["metadata", *words, "--output", "out"]) == 2
    assert_one_sentence(capsys, "--output out is a run folder: name another one for the metadata")
    assert sorted(Path("out").iterdir()) == before


def test_an_output_that_cannot_be_written(
    tmp_path: Path, metadata: Path, mini_wats: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("x")
    assert run(mini_wats, metadata, tmp_path / "file" / "o") == 2
    assert_one_sentence(capsys, str(tmp_path / "file"))
    assert (tmp_path / "file").read_text() == "x"


def test_a_missing_language_model(
    tmp_path: Path, metadata: Path, mini_wats: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(mini_wats, metadata, tmp_path / "o", "--lid-model", "gone.bin") == 2
    assert_one_sentence(capsys, "gone.bin")
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("more", "part"),
    [
        (["--t", "0"], "--t"),
        (["--tail-share", "2"], "--tail-share"),
        (["--same-t", "--tail-share", "0.1"], "--same-t"),
        (["--seed", "-1"], "--seed"),
        (["--rows-per-file", "15000"], "--rows-per-file"),
        (["--languages", "xx"], "xx"),
        (["--dedup-passes", "0"], "--dedup-passes"),
        (["--max-failed-inputs", "2"], "--max-failed-inputs"),
    ],
)
def test_options_out_of_range(
    tmp_path: Path,
    metadata: Path,
    mini_wats: list[Path],
    capsys: pytest.CaptureFixture[str],
    more: list[str],
    part: str,
) -> None:
    assert run(mini_wats, metadata, tmp_path / "o", *more) == 2
    assert_one_sentence(capsys, part)
    assert not (tmp_path / "o").exists()


def test_a_stage_before_its_time(tmp_path: Path, metadata: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["match", "--metadata", str(metadata), "--output", str(tmp_path / "o")]) == 2
    assert_one_sentence(capsys, "metaclip-curate dedup")
    assert main(["dedup", "--output", str(tmp_path / "o")]) == 2
    assert_one_sentence(capsys, "metaclip-curate extract")


def test_a_damaged_run_json(
    tmp_path: Path, metadata: Path, mini_wats: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "o").mkdir()
    (tmp_path / "o" / "run.json").write_text("{")
    assert run(mini_wats, metadata, tmp_path / "o") == 2
    assert_one_sentence(capsys, "run.json")


@pytest.mark.parametrize(
    ("version", "usable"), [("1.8.0_312", False), ("11.0.2", False), ("17.0.15", True), ("21", True)]
)
def test_a_java_that_is_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, usable: bool) -> None:
    binary = tmp_path / "bin" / "java"
    binary.parent.mkdir()
    binary.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-04-15' >&2\n")
    binary.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    if usable:
        assert java.find_java_home("4.0.0") == str(tmp_path)
        return
    with pytest.raises(UserError, match=r"is Java \d+, older than 17.*JAVA_HOME"):
        java.find_java_home("4.0.0")


def test_spark_3_needs_java_17(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = tmp_path / "bin" / "java"
    binary.parent.mkdir()
    binary.write_text("#!/bin/sh\necho 'openjdk version \"21.0.1\"' >&2\n")
    binary.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(UserError, match="newer than"):
        java.find_java_home("3.5.9")


@pytest.mark.slow
def test_the_library_needs_no_spark() -> None:
    modules = [
        "extract",
        "language",
        "matching",
        "balance",
        "storage",
        "schemas",
        "metadata.lists.folder",
    ]
    modules += ["cli", "commands.program"]
    imports = "; ".join(f"import metaclip_curate.{name}" for name in modules)
    found = "print([name for name in sys.modules if name.startswith(('pyspark', 'py4j', 'torch'))])"
    script = f"import sys; {imports}; {found}"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(answer.stdout) == []


# What isn't ours to foresee


def _command(monkeypatch: pytest.MonkeyPatch, does: Callable[[], None]) -> None:
    """Puts something in the place of what a command without options calls."""
    monkeypatch.setattr("metaclip_curate.spark.java.java_home", does)


def _raises(error: BaseException) -> Callable[[], None]:
    def run() -> None:
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "status", "part"),
    [
        (UserError("wrong"), 2, "wrong"),
        (JobFailedError("failed"), 1, "failed"),
        (OSError(errno.ENOSPC, "No space left on device", "/data/out"), 1, "the disk is full at /data/out"),
        (OSError(errno.EROFS, "x", "/data/out"), 1, "/data/out"),
        (MemoryError(), 1, "memory"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_an_ending_that_needs_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, status: int, part: str
) -> None:
    _command(monkeypatch, _raises(error))
    assert main(["java-home"]) == status
    assert_one_sentence(capsys, part)


def test_a_fault_of_ours_shows_its_trace_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _command(monkeypatch, _raises(ZeroDivisionError("of \x1b[31mtext")))
    assert main(["java-home"]) == 1
    lines = capsys.readouterr().err.strip().split("\n")
    assert lines[0].startswith("Traceback")
    assert lines[-2] == "ZeroDivisionError: of \\x1b[31mtext"
    assert lines[-1].startswith("metaclip-curate: this is a fault of the program")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ZeroDivisionError()])
def test_a_command_that_can_be_given_again_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException
) -> None:
    monkeypatch.setattr("metaclip_curate.pipelines.curation.Pipeline.count", lambda self: _raises(error)())
    main(["count", "--output", str(tmp_path / "o")])
    assert "the same command continues" in capsys.readouterr().err.strip().split("\n")[-1]


@pytest.mark.parametrize(
    ("number", "status", "word"),
    [(signal.SIGTERM, 143, "terminated"), (signal.SIGHUP, 129, "the terminal was closed")],
)
def test_a_signal_ends_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: int, status: int, word: str
) -> None:
    before = signal.signal(number, signal.SIG_DFL)

    def wait() -> None:
        os.kill(os.getpid(), number)
        time.sleep(10)

    _command(monkeypatch, wait)
    try:
        assert main(["java-home"]) == status
        assert_one_sentence(capsys, word)
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, before)


def test_under_nohup_a_closed_terminal_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    _command(monkeypatch, lambda: os.kill(os.getpid(), signal.SIGHUP))
    try:
        assert main(["java-home"]) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_another_thread_than_the_main_one_runs_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    _command(monkeypatch, lambda: None)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(main, ["java-home"]).result() == 0


@pytest.mark.parametrize(
    "name", ["t", "seed", "dedup-passes", "rows-per-file", "pairs-per-task", "files-per-round", "max-record-bytes"]
)
@pytest.mark.parametrize("value", [2**63 - 1 + 2**63 + 1, 10**30, -(10**30)])
def test_a_number_that_nothing_can_hold(
    tmp_path: Path,
    metadata: Path,
    mini_wats: list[Path],
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: int,
) -> None:
    assert run(mini_wats, metadata, tmp_path / "o", f"--{name}={value}") == 2
    assert_one_sentence(capsys, f"--{name}", str(value))
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    "given",
    [
        ["run", "--output", "o", "--t", str(2**63)],
        ["run", "--output", "o", "--dedup-passes", "3000000000"],
        ["run", "--output", "o", "--driver-memory", "much"],
        ["run", "--output", "o", "--master", "spork://host"],
        ["browse", "--run", "o", "--language", "en", "-n", str(2**63)],
        ["browse", "--run", "o", "--language", "en", "--seed", str(2**64)],
        ["threshold", "--run", "o", "--t", f"1,{2**63}"],
        ["threshold", "--run", "o", "--target-pairs", str(2**63)],
        ["export", "--run", "o", "--output", "x", "--images-per-shard", str(2**63)],
        ["plan", "--input-files", str(2**63)],
        ["download", "--run", "o", "--output", "x", "--image-size", str(2**63)],
        ["metadata", "show", "--metadata", "o", "--examples", str(2**63)],
        ["metadata", "build", "--output", "o", "--numbers", str(2**63)],
    ],
)
def test_numbers_of_other_commands(capsys: pytest.CaptureFixture[str], given: list[str]) -> None:
    assert main(given) == 2
    assert_one_sentence(capsys, "--")


_LONG = "n" * 300


@pytest.mark.parametrize(
    "given",
    [
        ["run", "--input", "{wats}", "--metadata", "{metadata}", "--output", "{long}"],
        ["run", "--input", "{long}", "--metadata", "{metadata}", "--output", "{tmp}/o"],
        ["run", "--input", "{long}/*.gz", "--metadata", "{metadata}", "--output", "{tmp}/o"],
        ["run", "--input", "@{long}", "--metadata", "{metadata}", "--output", "{tmp}/o"],
        ["run", "--input", "{wats}", "--metadata", "{long}", "--output", "{tmp}/o"],
        ["run", "--input", "{wats}", "--metadata", "{metadata}", "--output", "{tmp}/o", "--lid-model", "{long}"],
        ["run", "--input", "{wats}", "--metadata", "{metadata}", "--output", "{tmp}/o", "--language-table", "{long}"],
        ["explain", "--run", "{long}", "--uid", "0"],
        ["browse", "--run", "{long}", "--language", "en"],
        ["compare", "{long}", "{long}"],
        ["report", "--run", "{long}"],
        ["export", "--run", "{long}", "--output", "{tmp}/x"],
        ["metadata", "show", "--metadata", "{long}"],
        ["metadata", "import", "{long}", "--output", "{tmp}/m"],
        ["metadata", "import", "{metadata}/en.json", "--output", "{long}"],
    ],
)
def test_a_name_that_is_too_long(
    tmp_path: Path, metadata: Path, mini_wats: list[Path], capsys: pytest.CaptureFixture[str], given: list[str]
) -> None:
    values = {"tmp": tmp_path, "metadata": metadata, "wats": mini_wats[0].parent, "long": tmp_path / _LONG}
    assert main([word.format(**values) for word in given]) == 2
    assert_one_sentence(capsys, _LONG)


def test_a_name_reaches_the_terminal_escaped(
    tmp_path: Path, metadata: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "a\x1b[2J\n\u202egpj.wat.gz"
    assert main(["run", "--input", name, "--metadata", str(metadata), "--output", str(tmp_path / "o")]) == 2
    assert_one_sentence(capsys, r"a\x1b[2J\n\u202egpj.wat.gz")


def _process(*given: str, **settings: str) -> subprocess.Popen[bytes]:
    script = "from metaclip_curate.cli import entry_point; entry_point()"
    return subprocess.Popen(
        [sys.executable, "-c", script, *given],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **settings},
        cwd=ROOT,
    )


@pytest.mark.slow
def test_who_reads_the_output_may_stop() -> None:
    process = _process("plan", "--input-files", "3")
    assert process.stdout and process.stderr
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 141


@pytest.mark.slow
def test_help_that_nobody_reads() -> None:
    process = _process("run", "--help")
    assert process.stdout and process.stderr
    process.stdout.close()
    assert process.stderr.read() == b""
    process.wait()


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_name_that_the_console_has_no_letters_for(tmp_path: Path, encoding: str) -> None:
    process = _process("metadata", "show", "--metadata", str(tmp_path / "猫\udcff"), PYTHONIOENCODING=encoding)
    _, error = process.communicate()
    assert process.returncode == 2
    assert rb"\u732b\udcff" in error
    assert b"Traceback" not in error


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "command", "status"), [("urllib3", "plan", 1), ("zstandard", "run", 1), ("pyspark", "java-home", 2)]
)
def test_a_package_that_an_older_environment_lacks(name: str, command: str, status: int) -> None:
    # A module that is None can't be imported.
    script = f"import sys; sys.modules[{name!r}] = None; from metaclip_curate.cli import entry_point; entry_point()"
    given = {"run": ["--input", "1", "--metadata", "m", "--output", "o"], "plan": ["--metadata", "m"]}.get(command, [])
    done = subprocess.run([sys.executable, "-c", script, command, *given], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == status
    assert re.match(rf"metaclip-curate: (the Python module )?{name} is missing", done.stderr)
    assert "pip install" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
def test_ctrl_c_while_the_commands_are_imported() -> None:
    script = """
import sys
class Interrupted:
    def find_spec(self, name, *rest):
        if name == "metaclip_curate.commands.program":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupted())
from metaclip_curate.cli import entry_point
entry_point()
"""
    done = subprocess.run([sys.executable, "-c", script, "run"], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stderr) == (130, "metaclip-curate: interrupted\n")


@pytest.mark.slow
@pytest.mark.parametrize(("encoding", "escaped"), [("utf-8", False), ("ascii", True)])
def test_json_is_json_on_any_console(tmp_path: Path, encoding: str, escaped: bool) -> None:
    (tmp_path / "ja.json").write_text('["猫\u202e\x7f"]')
    process = _process("metadata", "show", "--metadata", str(tmp_path), "--json", PYTHONIOENCODING=encoding)
    printed = process.communicate()[0].decode(encoding)
    assert json.loads(printed)[0]["sources"][0]["examples"] == ["猫\u202e\x7f"]
    assert ("\\u732b" in printed) is escaped


@pytest.mark.parametrize("given", [["http://u:SECRET@h/"], ["--t", "http://h/?sig=SECRET"]])
def test_a_misspelt_command_repeats_no_password(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["run", *given])
    answer = capsys.readouterr().err
    assert "http://h/" in answer
    assert "SECRET" not in answer
