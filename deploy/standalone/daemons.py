"""Options and states of daemons."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from metaclip_curate.options.fields import option

MASTER, WORKER = "master", "worker"


@dataclass(frozen=True)
class MasterOptions:
    """Options of the master."""

    host: str = option("127.0.0.1", "address to listen at, which other machines must reach", metavar="HOST")
    port: int = option(7077, "port to listen at; 0 for any free one", metavar="PORT")
    webui_port: int = option(8080, "port of the master's web page; 0 for any free one", metavar="PORT")
    java: str = option("", "options of the daemon's Java", metavar="OPTIONS")

    def arguments(self) -> list[str]:
        """Returns the arguments of Spark's class."""
        return ["--host", self.host, "--port", str(self.port), "--webui-port", str(self.webui_port)]


@dataclass(frozen=True)
class WorkerOptions:
    """Options of a worker."""

    host: str = option("127.0.0.1", "address to listen at, which other machines must reach", metavar="HOST")
    webui_port: int = option(0, "port of the worker's web page; 0 for any free one", metavar="PORT")
    cores: int = option(1, "number of cores that the worker offers", metavar="N")
    memory: str = option(
        "2g", "memory that the worker offers to JVMs; Python workers need more beside it", metavar="SIZE"
    )
    java: str = option("", "options of the daemon's Java", metavar="OPTIONS")

    def arguments(self, folder: Path) -> list[str]:
        """Returns the arguments of Spark's class before the master's URL; executors write to `folder`."""
        given = ["--host", self.host, "--webui-port", str(self.webui_port), "--work-dir", str(folder)]
        return [*given, "--cores", str(self.cores), "--memory", self.memory]


@dataclass(frozen=True)
class Daemon:
    """A started process.

    Attributes:
        kind: MASTER or WORKER.
        name: Name of its log and its folder.
        pid: Process id.
        url: URL of the master, which workers and spark-submit need.
        page: URL of its web page.
    """

    kind: str
    name: str
    pid: int
    url: str
    page: str

    def is_alive(self) -> bool:
        """Returns whether the process runs. The command line is checked too, since its id may have been reused."""
        try:
            state = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
            command = Path(f"/proc/{self.pid}/cmdline").read_bytes()
        except OSError:
            return False
        return state != "Z" and f"deploy.{self.kind}.".encode() in command
