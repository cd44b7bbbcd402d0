"""One run at a time writes a folder."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from metaclip_curate import storage
from metaclip_curate.errors import JobFailedError, UserError
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.owner import Listener, Pulse, RunOwner
from metaclip_curate.run.owner_token import OwnerToken
from metaclip_curate.run.process_identity import ProcessIdentity, this_process
from metaclip_curate.run.token_files import TokenFiles
from metaclip_curate.storage import StorageOptions
from metaclip_curate.storage import hdfs as hdfs_module
from metaclip_curate.storage.s3_client import forget_clients
from tests.support.servers.fixtures import gcs_server, no_proxy, s3_process, s3_server
from tests.support.servers.hdfs import hdfs_in

__all__ = ["gcs_server", "no_proxy", "s3_process", "s3_server"]

ELSEWHERE = ProcessIdentity("another-host", "another boot", 4711, 12)
NEVER = Pulse(interval=3600.0)


class Clock:
    """A driver's clock, as a test sets it."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def lines() -> list[str]:
    """What is told."""
    return []


@pytest.fixture
def make(tmp_path: Path, lines: list[str]) -> Iterator[Callable[..., RunOwner]]:
    """Makes owners of the same local folder; those that are left are released afterwards."""
    made: list[RunOwner] = []

    def owner(process: ProcessIdentity | None = None, pulse: Pulse = NEVER) -> RunOwner:
        made.append(
            RunOwner(str(tmp_path / "run"), StorageOptions(), "a command", Listener(lines.append), pulse, process)
        )
        return made[-1]

    yield owner
    for one in made:
        one.release()


def acquired(owner: RunOwner) -> RunOwner:
    owner.acquire()
    return owner


def tokens(folder: Path) -> list[Path]:
    return sorted(folder.glob("run.owner-*.json"))


def make_older(folder: Path, seconds: float) -> None:
    for path in tokens(folder):
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime - seconds))


def ended_process() -> ProcessIdentity:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return dataclasses.replace(this_process(), pid=process.pid)


def test_a_token_says_who_it_is(tmp_path: Path, make: Callable[..., RunOwner]) -> None:
    clock = Clock()
    owner = acquired(make(pulse=Pulse(3600.0, 300.0, clock)))
    clock.time += timedelta(seconds=30)
    owner.beat()
    [path] = tokens(tmp_path / "run")
    token = OwnerToken.from_bytes(path.read_bytes())
    assert token is not None
    assert token.process == this_process()
    assert (token.command, token.process.pid) == ("a command", os.getpid())
    assert (token.started, token.heartbeat) == ("2026-01-02T03:04:05+00:00", "2026-01-02T03:04:35+00:00")
    owner.release()
    owner.release()
    assert list((tmp_path / "run").iterdir()) == []


def test_the_command_of_a_run_that_died_is_known(tmp_path: Path, make: Callable[..., RunOwner]) -> None:
    RunFolder(str(tmp_path / "run")).begin("extract", {}, "")
    assert make().last_command() == ""
    living = acquired(make())
    assert make().last_command() == living.last_command() == ""
    living.release()
    died = acquired(make(ended_process()))
    assert make().last_command() == "a command"
    assert died.last_command() == ""  # it is its own
    with pytest.raises(UserError, match=r"stage extract: give the command again that was stopped, `a command`$"):
        RunFolder(str(tmp_path / "run")).require("extract")


def test_the_second_is_refused_in_one_line(tmp_path: Path, make: Callable[..., RunOwner], lines: list[str]) -> None:
    first = acquired(make(ELSEWHERE, Pulse(3600.0, 300.0, Clock())))
    second = make()
    with pytest.raises(UserError) as refused:
        second.acquire()
    said = str(refused.value)
    for part in (str(tmp_path / "run"), "another-host", "4711", "since 2026-01-02 03:04:05 UTC", "--output", "wait"):
        assert part in said
    assert "\n" not in said
    second.release()  # nothing of the first's
    first.check()
    first.release()
    second.acquire()
    assert lines == []


def test_two_in_one_process_are_two(make: Callable[..., RunOwner]) -> None:
    make().acquire()
    with pytest.raises(UserError, match=f"process {os.getpid()} "):
        make().acquire()


@pytest.mark.parametrize("hours", [-5, 0, 5])
def test_taken_over_after_five_minutes_whatever_the_clocks_say(
    tmp_path: Path, make: Callable[..., RunOwner], lines: list[str], hours: int
) -> None:
    clock = Clock()
    clock.time = datetime.now(UTC) + timedelta(hours=hours)
    first = acquired(make(ELSEWHERE, Pulse(3600.0, 300.0, clock)))
    make_older(tmp_path / "run", 290)
    with pytest.raises(UserError, match=r"29[0-9] seconds ago"):
        make().acquire()
    make_older(tmp_path / "run", 11)
    second = acquired(make())
    assert lines == [
        f"run folder: {tmp_path / 'run'} is taken over from process 4711 on another-host, which has not shown for 5 "
        "minutes that it lives"
    ]
    with pytest.raises(JobFailedError, match=f"taken over by process {os.getpid()} on .*saves nothing more"):
        first.check()
    first.release()
    second.check()
    assert len(tokens(tmp_path / "run")) == 1


def test_a_heartbeat_starts_the_wait_anew(tmp_path: Path, make: Callable[..., RunOwner]) -> None:
    first = acquired(make(ELSEWHERE))
    make_older(tmp_path / "run", 301)
    first.beat()
    with pytest.raises(UserError, match="being written"):
        make().acquire()


def test_a_dead_process_of_this_host_is_followed_at_once(make: Callable[..., RunOwner], lines: list[str]) -> None:
    dead = ended_process()
    make(dead).acquire()
    make().acquire()
    [line] = lines
    assert f"process {dead.pid} on " in line
    assert line.endswith("which has died")


def test_a_number_that_is_used_again_is_another_process(make: Callable[..., RunOwner], lines: list[str]) -> None:
    make(dataclasses.replace(this_process(), started=this_process().started - 1)).acquire()
    make().acquire()
    assert len(lines) == 1


def test_a_zombie_is_dead() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert dataclasses.replace(this_process(), pid=process.pid).is_dead()
    process.wait()


@pytest.mark.parametrize("change", [{"host": "another"}, {"boot": "another"}, {"boot": ""}])
def test_of_another_machine_nothing_is_sure(change: dict[str, Any]) -> None:
    assert not this_process().is_dead()
    assert ended_process().is_dead()
    assert not dataclasses.replace(ended_process(), **change).is_dead()


@pytest.mark.parametrize(
    ("container", "before", "dead"),
    [
        ("container_e17_1410901177871_0001_02_000001", "container_e17_1410901177871_0001_01_000001", True),
        ("container_1410901177871_0001_10_000001", "container_1410901177871_0001_09_000001", True),
        ("container_e17_1410901177871_0001_01_000001", "container_e17_1410901177871_0001_02_000001", False),
        ("container_e17_1410901177871_0001_01_000001", "container_e17_1410901177871_0001_01_000001", False),
        ("container_e17_1410901177871_0002_02_000001", "container_e17_1410901177871_0001_01_000001", False),
        ("", "container_e17_1410901177871_0001_01_000001", False),
        ("container_e17_1410901177871_0001_02_000001", "", False),
    ],
)
def test_yarns_next_attempt_follows_the_last_one(
    container: str, before: str, dead: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTAINER_ID", container)
    assert dataclasses.replace(ELSEWHERE, container=before).is_dead() == dead
    assert this_process().container == container


def test_a_lost_token_is_noticed_by_the_heartbeat(
    tmp_path: Path, make: Callable[..., RunOwner], lines: list[str]
) -> None:
    first = acquired(make(ELSEWHERE, Pulse(interval=0.02)))
    # Between two heartbeats this owner sleeps for long.
    deadline = time.monotonic() + 30
    second = make()
    while time.monotonic() < deadline:
        make_older(tmp_path / "run", 400)
        try:
            second.acquire()
            break
        except (UserError, FileNotFoundError):
            continue
    while not any("saves nothing more" in line for line in lines) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert sum("saves nothing more" in line for line in lines) == 1
    with pytest.raises(JobFailedError, match="taken over"):
        first.check()
    second.check()


def test_a_token_that_was_removed_is_lost(tmp_path: Path, make: Callable[..., RunOwner]) -> None:
    owner = acquired(make())
    for path in tokens(tmp_path / "run"):
        path.unlink()
    for _ in range(2):
        with pytest.raises(JobFailedError, match="or its token was removed"):
            owner.check()
    assert tokens(tmp_path / "run") == []


def test_a_store_that_fails_for_a_while_ends_nothing(
    make: Callable[..., RunOwner], lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = acquired(make())

    def fail(*given: Any) -> None:
        raise OSError("no route to host")

    for name in ("create_file", "list_folder", "delete_file"):  # before, while and after it is written
        with monkeypatch.context() as patched:
            patched.setattr(storage, name, fail)
            owner.beat()
            owner.beat()
        owner.beat()
        owner.check()
    assert len(lines) == 2
    assert all("no route to host" in line for line in lines)


def test_a_folder_that_cannot_be_released_is_told(
    make: Callable[..., RunOwner], lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = acquired(make())

    def fail(*given: Any) -> None:
        raise OSError("no route to host")

    with monkeypatch.context() as patched:
        patched.setattr(storage, "delete_file", fail)
        owner.release()
    assert "no route to host" in lines[0]
    owner.acquire()  # by the same one, it is no takeover from another
    assert "could not release it" in lines[1]


def test_what_is_no_token_counts_for_five_minutes(
    tmp_path: Path, make: Callable[..., RunOwner], lines: list[str]
) -> None:
    (tmp_path / "run").mkdir()
    for content in (b"", b"[]", b"{}", b'{"process": {"host": "h", "boot": "", "pid": -1, "started": 0}}', b"\xff"):
        (tmp_path / "run" / "run.owner-00000007.json").write_bytes(content)
        with pytest.raises(UserError, match="an unknown run"):
            make().acquire()
        make_older(tmp_path / "run", 301)
        owner = acquired(make())
        owner.release()
    assert len(lines) == 5


def test_control_characters_of_a_token_are_not_shown(make: Callable[..., RunOwner]) -> None:
    make(dataclasses.replace(ELSEWHERE, host="a\x1b[31mb\n")).acquire()
    with pytest.raises(UserError) as refused:
        make().acquire()
    assert "a?[31mb?" in str(refused.value)


def test_a_latecomer_withdraws(tmp_path: Path, make: Callable[..., RunOwner]) -> None:
    """One that saw no token, or an old one, and makes its own when others have gone on in the meantime."""
    owner = acquired(make())
    owner.check()
    owner.check()
    [held] = tokens(tmp_path / "run")
    latecomer = OwnerToken("latecomer", ELSEWHERE, "", "", "")
    files = TokenFiles(str(tmp_path / "run"), StorageOptions())
    assert not files.claim(latecomer, 1, behind=None)
    assert not files.claim(latecomer, 2, behind=1)
    assert not files.claim(latecomer, 3, behind=2)  # the owner's own
    assert not files.claim(latecomer, 9, behind=8)
    assert tokens(tmp_path / "run") == [held]
    owner.check()


def test_released_at_the_end_of_the_outermost_block(tmp_path: Path, make: Callable[..., RunOwner]) -> None:
    owner = make()
    with owner.working():
        assert not (tmp_path / "run").exists()  # nothing is written by who only looks
        with owner.working():
            owner.require()
            owner.require()
        assert len(tokens(tmp_path / "run")) == 1
        with pytest.raises(KeyboardInterrupt), owner.working():
            raise KeyboardInterrupt
        assert len(tokens(tmp_path / "run")) == 1
    assert tokens(tmp_path / "run") == []
    with pytest.raises(KeyboardInterrupt), owner.working():
        owner.require()
        raise KeyboardInterrupt
    assert tokens(tmp_path / "run") == []


def test_what_fails_after_a_takeover_fails_for_that(tmp_path: Path, lines: list[str]) -> None:
    """Who hears of it ends the run's jobs, which fail with some error of their own."""
    stopped = threading.Event()
    owner = RunOwner(str(tmp_path), StorageOptions(), "", Listener(lines.append, stopped.set), Pulse(interval=0.02))
    with pytest.raises(JobFailedError, match="saves nothing more"), owner.working():
        owner.require()
        for path in tokens(tmp_path):
            path.unlink()
        assert stopped.wait(30)
        raise ValueError("job cancelled")
    assert len(lines) == 1


def test_of_two_who_take_over_one_does(tmp_path: Path, make: Callable[..., RunOwner]) -> None:
    make(ended_process()).acquire()
    start = threading.Barrier(4)
    won: list[int] = []

    def try_it(number: int, owner: RunOwner) -> None:
        start.wait()
        try:
            owner.acquire()
        except UserError:
            return
        won.append(number)

    threads = [threading.Thread(target=try_it, args=(number, make())) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert len(tokens(tmp_path / "run")) == 1


_RACER = """
import sys
from metaclip_curate.errors import UserError
from metaclip_curate.run.owner import RunOwner
from metaclip_curate.storage import StorageOptions
print("ready", flush=True)
sys.stdin.readline()
owner = RunOwner(sys.argv[1], StorageOptions())
try:
    owner.acquire()
    print("won", flush=True)
except UserError as error:
    print(error, flush=True)
sys.stdin.readline()
owner.release()
"""


@pytest.mark.slow
def test_of_two_processes_one_wins_and_the_next_follows_when_it_is_killed(tmp_path: Path) -> None:
    folder = tmp_path / "run"

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-c", _RACER, str(folder)]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    racers = [start() for _ in range(3)]
    try:
        assert [_line(racer) for racer in racers] == ["ready"] * 3
        for racer in racers[:2]:
            _go(racer)
        said = [_line(racer) for racer in racers[:2]]
        winner, loser = (racers[0], said[1]) if said[0] == "won" else (racers[1], said[0])
        assert sorted(line == "won" for line in said) == [False, True]
        assert f"process {winner.pid} on " in loser
        winner.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, winner.pid, os.WEXITED | os.WNOWAIT)  # until it has ended, and is a zombie still
        _go(racers[2])
        assert "has died" in _line(racers[2])
        assert _line(racers[2]) == "won"
        _go(racers[2])
        assert racers[2].wait(30) == 0
        assert tokens(folder) == []
    finally:
        for racer in racers:
            racer.kill()
            racer.communicate()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["s3", "gs", "hdfs"])
def test_in_every_store(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = StorageOptions()
    if kind == "s3":
        server = request.getfixturevalue("s3_server")
        forget_clients()
        server.put("owned", {})
        options = StorageOptions(s3_endpoint_url=server.url)
    elif kind == "gs":
        import gcsfs

        request.getfixturevalue("gcs_server").objects["owned/else"] = b""
        gcsfs.GCSFileSystem.clear_instance_cache()
    else:
        monkeypatch.setattr(hdfs_module, "file_system", lambda url: hdfs_in(tmp_path))
    root, lines = f"{kind}://owned/run", list[str]()
    first = RunOwner(root, options, "", Listener(lines.append), NEVER, ELSEWHERE)
    second = RunOwner(root, options, "", Listener(lines.append), NEVER)
    impatient = RunOwner(root, options, "", Listener(lines.append), Pulse(3600.0, 0.0))
    first.acquire()
    first.check()
    with pytest.raises(UserError, match="another-host"):
        second.acquire()
    monkeypatch.setattr(storage, "file_age", lambda url, options: 1.0)  # S3 dates by whole seconds
    impatient.acquire()
    with pytest.raises(JobFailedError, match="taken over"):
        first.check()
    first.release()
    impatient.check()
    impatient.release()
    assert storage.list_folder(root, options) == []
    assert len(lines) == 1


def test_a_token_is_json(tmp_path: Path, make: Callable[..., RunOwner]) -> None:
    make().acquire()
    [path] = tokens(tmp_path / "run")
    assert set(json.loads(path.read_text())) == {"id", "process", "command", "started", "heartbeat"}
