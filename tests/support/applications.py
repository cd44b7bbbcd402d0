"""Applications on a standalone cluster of this machine: submitting, watching and hurting them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyspark

from deploy.standalone.cluster import StandaloneCluster
from deploy.standalone.daemons import Daemon
from tests.support import quick_spark
from tests.support.processes import kill_session

SPARK_HOME = Path(pyspark.__file__).parent
_EXECUTOR = b"org.apache.spark.executor.CoarseGrainedExecutorBackend"
_SLOWEST = 300.0  # seconds that anything is waited for
# Seconds in which what a stopped process had sent before reaches the driver and its page.
_SETTLED = 0.3


@dataclass(frozen=True)
class Site:
    """A cluster and what is sent there.

    Attributes:
        folder: Where all of it is.
        archive: The environment archive.
        cluster: The daemons.
        master: Of them the master.
        environment: Variables of all processes.
    """

    folder: Path
    archive: Path
    cluster: StandaloneCluster
    master: Daemon
    environment: dict[str, str]

    def settings(self, page_port: int) -> dict[str, str]:
        """Settings of an application: those that ship, and what this machine and the test want."""
        return {
            "spark.executor.memory": "512m",
            "spark.executor.cores": "1",
            "spark.executor.extraJavaOptions": quick_spark.java_options(),
            "spark.driver.memory": "512m",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.sql.shuffle.partitions": "4",
            "spark.dynamicAllocation.enabled": "false",
            "spark.ui.port": str(page_port),
            "spark.ui.liveUpdate.period": "0",
            # What is asked of a machine that is gone is given up sooner than after two minutes.
            "spark.network.timeout": "30s",
            "spark.network.timeoutInterval": "15s",
            "spark.executor.heartbeatInterval": "5s",
            "spark.eventLog.enabled": "true",
            "spark.eventLog.dir": self.events.as_uri(),
            "spark.eventLog.rolling.enabled": "false",
            "spark.eventLog.compress": "false",
        }

    @property
    def events(self) -> Path:
        """The folder of event logs."""
        folder = self.folder / "events"
        folder.mkdir(exist_ok=True)
        return folder

    @contextmanager
    def submitted(self, stage: str, *arguments: str) -> Iterator[Application]:
        """Submits a job script as a user would who has nothing but what `make package` made; in the end it's gone."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        dist, log = self.archive.parent, self.folder / f"{stage}-{time.monotonic_ns()}.log"
        command = [str(SPARK_HOME / "bin" / "spark-submit"), "--master", self.master.url, "--name", log.stem]
        command += ["--properties-file", str(dist / "spark-defaults.conf")]
        command += ["--archives", f"{self.archive}#environment", "--driver-java-options", quick_spark.java_options()]
        for name, value in self.settings(port).items():
            command += ["--conf", f"{name}={value}"]
        command += ["--conf", f"spark.pyspark.driver.python={self.folder / 'driver' / 'bin' / 'python'}"]
        with log.open("w") as stream:
            process = subprocess.Popen(
                [*command, str(dist / "jobs" / f"{stage}.py"), *arguments],
                cwd=self.folder,
                env=self.environment | {"SPARK_HOME": str(SPARK_HOME)},
                stdout=stream,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        try:
            yield Application(self, process, log, f"http://127.0.0.1:{port}/api/v1/applications")
        finally:
            kill_session(process)


@dataclass(frozen=True)
class Application:
    """A submitted job.

    Attributes:
        site: Where it runs.
        process: spark-submit, which is the driver too.
        log: Its output.
        page: The address of what the driver tells of itself.
    """

    site: Site
    process: subprocess.Popen[str]
    log: Path
    page: str

    def finish(self) -> None:
        """Waits for its end, which must be a good one."""
        assert self.process.wait(_SLOWEST) == 0, self.log.read_text()[-6000:]

    def kill_busy_executor(
        self, has_come: Callable[[], bool], has_gone: Callable[[], bool] = lambda: False
    ) -> Path | None:
        """Kills an executor in the middle of a task, with SIGKILL.

        It is stopped first: one that still has a task when all that it had sent has arrived loses that task for sure.

        Args:
            has_come: Whether it is time.
            has_gone: Whether it no longer will be.

        Returns:
            The folder of the executor's worker; None where the time has passed.
        """
        while True:
            self._wait_until(lambda: has_gone() or (has_come() and bool(self._busy())))
            if has_gone():
                return None
            for number in self._busy():
                process = self._executor_process(number)
                if process is None:
                    continue
                os.kill(process, signal.SIGSTOP)
                time.sleep(_SETTLED)
                lost = number in self._busy() and has_come()
                folder = Path(f"/proc/{process}/cwd").readlink()
                os.kill(process, signal.SIGKILL if lost else signal.SIGCONT)
                if lost:
                    return folder.parent.parent

    def kill_python_worker(self, has_come: Callable[[], bool]) -> None:
        """Kills the Python of a task, as the kernel does with what takes too much memory."""
        cluster = str(self.site.cluster.folder)
        killed: list[int] = []

        def kill() -> bool:
            # A worker is a child of the daemon that is the same program; the daemon goes on. Those of an executor that
            # was killed are about to end.
            ours = dict(_python_processes(cluster)) if has_come() else {}
            workers = [process for process, parent in ours.items() if parent in ours and _is_executor(ours[parent])]
            for process in workers[:1]:
                with contextlib.suppress(OSError):
                    check_packages(process)
                    os.kill(process, signal.SIGKILL)
                    killed.append(process)
            return bool(killed)

        self._wait_until(kill)

    def kill_driver(self, has_come: Callable[[], bool]) -> None:
        """Kills the driver while there are tasks, with SIGKILL; nothing tells the executors but its silence."""
        self._wait_until(lambda: has_come() and bool(self._busy()))
        kill_session(self.process)

    def _wait_until(self, has_come: Callable[[], bool]) -> None:
        end = time.monotonic() + _SLOWEST
        while not has_come():
            assert self.process.poll() is None, "it ended first: " + self.log.read_text()[-6000:]
            assert time.monotonic() < end, self.log.read_text()[-6000:]
            time.sleep(0.01)

    def _busy(self) -> list[str]:
        """Numbers of the executors that have a task."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            name = _read(self.page)[0]["id"]
            return [
                executor["id"]
                for executor in _read(f"{self.page}/{name}/executors")
                if executor["id"] != "driver" and executor["activeTasks"]
            ]
        return []  # the page isn't there yet

    def _executor_process(self, number: str) -> int | None:
        name = _read(self.page)[0]["id"]
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                command = (folder / "cmdline").read_bytes().split(b"\0")
                ours = _EXECUTOR in command and name.encode() in command
                if ours and command[command.index(b"--executor-id") + 1] == number.encode():
                    return int(folder.name)
        return None


def check_packages(process: int) -> None:
    """Asserts that a Python worker has its compiled packages from the archive that its executor unpacked."""
    program = Path(f"/proc/{process}/exe").readlink()
    executor = Path(f"/proc/{process}/cwd").readlink()
    assert program.is_relative_to(executor / "environment"), (program, executor)
    lines = Path(f"/proc/{process}/maps").read_text().splitlines()
    libraries = {line.split()[-1] for line in lines if "/site-packages/" in line}
    assert all(Path(library).is_relative_to(program.parent.parent) for library in libraries), libraries


def _python_processes(folder: str) -> Iterator[tuple[int, int]]:
    """Processes whose program lies below a folder, each with its parent."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            program = (entry / "exe").readlink()
            if str(program).startswith(folder) and program.name.startswith("python"):
                yield int(entry.name), int((entry / "stat").read_text().rpartition(")")[2].split()[1])


def _is_executor(process: int) -> bool:
    with contextlib.suppress(OSError):
        return _EXECUTOR in Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    return False


def lost_tasks(events: Path, application: str) -> int:
    """Counts the tasks of an application that were lost with their executor, by its event log."""
    lost = 0
    for log in events.iterdir():
        records = list(_records(log))
        if any(record.get("App Name") == application for record in records):
            reasons = (record.get("Task End Reason", {}).get("Reason") for record in records)
            lost += sum(reason == "ExecutorLostFailure" for reason in reasons)
    return lost


def _records(log: Path) -> Iterator[dict[str, Any]]:
    """Records of an event log; the last line is cut off where the driver was killed."""
    for line in log.read_text(errors="replace").splitlines():
        with contextlib.suppress(json.JSONDecodeError):
            yield json.loads(line)


def _read(url: str) -> Any:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=5) as answer:
        return json.load(answer)
