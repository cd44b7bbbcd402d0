"""Masters and workers as processes of this machine, whose states are in a folder.

pip's pyspark has Spark's classes but not its sbin scripts. A daemon is started in a session of its own, so that it
outlives the shell. Its log contains its address.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from dataclasses import asdict
from pathlib import Path

from deploy.standalone.daemons import MASTER, WORKER, Daemon, MasterOptions, WorkerOptions
from metaclip_curate.errors import UserError, install_extra
from metaclip_curate.spark.java import find_java_home

_SPARK_URL = re.compile(r"spark://[^\s,]+:\d+")
_UI_URL = re.compile(r"Bound (?:Master|Worker)WebUI to .*?(https?://[^\s,]+)")
_REGISTERED = "Successfully registered with master"
# Seconds that a daemon may take to start, and to end after SIGTERM.
_START, _STOP = 120.0, 15.0


class StandaloneCluster:
    """The daemons of one folder; others, on other machines or in other folders, may belong to the same cluster.

    Args:
        folder: Folder for states, logs and the workers' folders.
        spark_home: Spark's folder. Default: that of the installed pyspark.
    """

    def __init__(self, folder: Path, spark_home: Path | None = None) -> None:
        self.folder = folder.resolve()
        self._spark_home = spark_home

    def start_master(self, options: MasterOptions) -> Daemon:
        """Starts the master, and waits until it listens.

        Raises:
            UserError: A master is already running, or it doesn't start.
        """
        if any(daemon.kind == MASTER for daemon in self.running()):
            raise UserError(
                f"a master is already running: stop it with `python -m deploy.standalone stop {self.folder}`"
            )
        return self._start(MASTER, MASTER, options, options.arguments())

    def start_worker(self, master: str, options: WorkerOptions) -> Daemon:
        """Starts a worker, and waits until it is registered with the master.

        Args:
            master: URL of the master.
            options: Options of the worker.

        Raises:
            UserError: The worker doesn't start, or can't reach the master.
        """
        known = {path.stem for path in self.folder.glob("*.json")}
        name = next(name for number in range(len(known) + 1) if (name := f"{WORKER}-{number}") not in known)
        return self._start(name, WORKER, options, [*options.arguments(self.folder / name), master])

    def running(self) -> list[Daemon]:
        """Lists the running daemons, the master first."""
        states = [Daemon(**json.loads(path.read_text())) for path in sorted(self.folder.glob("*.json"))]
        return [daemon for daemon in states if daemon.is_alive()]

    def stop(self) -> list[Daemon]:
        """Stops all daemons of the folder, workers first, and returns them. Logs are kept."""
        daemons = self.running()
        for daemon in sorted(daemons, key=lambda daemon: daemon.kind != WORKER):
            with contextlib.suppress(ProcessLookupError):
                os.kill(daemon.pid, signal.SIGTERM)
            end = time.monotonic() + _STOP
            while daemon.is_alive():
                if time.monotonic() > end:
                    os.kill(daemon.pid, signal.SIGKILL)
                time.sleep(0.05)
        for path in self.folder.glob("*.json"):
            path.unlink()
        return daemons

    def _start(self, name: str, kind: str, options: MasterOptions | WorkerOptions, arguments: list[str]) -> Daemon:
        self.folder.mkdir(parents=True, exist_ok=True)
        log = self.folder / f"{name}.log"
        home, java = self._spark_and_java()
        # No settings of the user's own Spark may reach the daemon, except for the path of Java.
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("SPARK_", "PYTHON"))}
        environment |= {"SPARK_HOME": str(home), "SPARK_DAEMON_JAVA_OPTS": options.java}
        environment |= {"JAVA_HOME": java} if java else {}
        # Web pages listen and are linked at the daemon's address, rather than at that of the machine's name.
        environment |= {"SPARK_LOCAL_IP": options.host, "SPARK_PUBLIC_DNS": options.host}
        with log.open("w") as stream:
            process = subprocess.Popen(
                [str(home / "bin" / "spark-class"), f"org.apache.spark.deploy.{kind}.{kind.capitalize()}", *arguments],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        daemon = _wait_until_up(process, kind, name, log)
        (self.folder / f"{name}.json").write_text(json.dumps(asdict(daemon)) + "\n")
        return daemon

    def _spark_and_java(self) -> tuple[Path, str]:
        """Returns Spark's folder, and a JAVA_HOME if the java on the PATH isn't suitable."""
        if self._spark_home:
            return self._spark_home, ""
        try:
            import pyspark
        except ImportError as error:
            raise UserError(f"pyspark is missing: {install_extra('local')}, or set --spark-home") from error
        return Path(pyspark.__file__).parent, find_java_home(pyspark.__version__)


def _wait_until_up(process: subprocess.Popen[bytes], kind: str, name: str, log: Path) -> Daemon:
    end = time.monotonic() + _START
    while process.poll() is None and time.monotonic() < end:
        text = log.read_text(errors="replace")
        url, page = _SPARK_URL.search(text), _UI_URL.search(text)
        if url and page and (kind == MASTER or _REGISTERED in text):
            return Daemon(kind, name, process.pid, url.group(), page.group(1))
        time.sleep(0.05)
    process.kill()
    process.wait()
    raise UserError(f"the {kind} didn't start; the end of {log} is: {log.read_text(errors='replace')[-1000:]}")
