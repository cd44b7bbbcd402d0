"""python -m deploy.standalone start|start-master|start-worker|status|stop FOLDER [options]."""

from __future__ import annotations

import argparse
import json
import sys
import urllib.request
from pathlib import Path
from typing import Any

from deploy.standalone.cluster import StandaloneCluster
from deploy.standalone.daemons import MASTER, Daemon, MasterOptions, WorkerOptions
from metaclip_curate.errors import UserError
from metaclip_curate.options.command_line import add_options, given_options
from metaclip_curate.options.parser import OptionParser

_GROUPS: dict[str, type] = {"master": MasterOptions, "worker": WorkerOptions}


def main() -> int:
    """Runs the command and returns its exit status."""
    parser = OptionParser("python -m deploy.standalone", description="A Spark cluster from pip's pyspark.")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    for name, about, handler in (
        ("start-master", "start a master on this machine", _start_master),
        ("start-worker", "start workers on this machine", _start_workers),
        ("status", "list running daemons, and the master's workers and applications", _status),
        ("stop", "stop the daemons of the folder", _stop),
    ):
        action = actions.add_parser(name, help=about, description=about.capitalize() + ".")
        action.add_argument("folder", type=Path, help="folder for states, logs and executors' files")
        action.add_argument("--spark-home", type=Path, help="Spark's folder (default: the installed pyspark's)")
        action.set_defaults(handler=handler)
        if name == "start-master":
            add_options(action, "master", MasterOptions)
        if name == "start-worker":
            action.add_argument("--master", required=True, help="the master's URL, spark://HOST:PORT")
            action.add_argument("--workers", type=int, default=1, help="number of workers (default: 1)")
            add_options(action, "worker", WorkerOptions)
    given = parser.parse_args()
    try:
        given.handler(given, StandaloneCluster(given.folder, given.spark_home))
    except UserError as error:
        print(f"standalone: {error}", file=sys.stderr)
        return 2
    return 0


def _start_master(given: argparse.Namespace, cluster: StandaloneCluster) -> None:
    _show(cluster.start_master(given_options(given, {"master": MasterOptions})["master"]))


def _start_workers(given: argparse.Namespace, cluster: StandaloneCluster) -> None:
    for _ in range(given.workers):
        _show(cluster.start_worker(given.master, given_options(given, {"worker": WorkerOptions})["worker"]))


def _status(given: argparse.Namespace, cluster: StandaloneCluster) -> None:
    for daemon in cluster.running():
        _show(daemon)
        if daemon.kind == MASTER:
            known = master_state(daemon)
            alive = [worker for worker in known["workers"] if worker["state"] == "ALIVE"]
            print(f"  workers {len(alive)}, cores {known['coresused']} of {known['cores']} in use")
            for application in known["activeapps"]:
                print(f"  {application['id']} {application['name']}: {application['state']}")


def _stop(given: argparse.Namespace, cluster: StandaloneCluster) -> None:
    for daemon in cluster.stop():
        print(f"stopped {daemon.name} ({daemon.pid})")


def master_state(master: Daemon) -> dict[str, Any]:
    """Requests the workers and applications that a master knows."""
    # The master is on this machine, which a proxy would not reach.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{master.page}/json/", timeout=30) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def _show(daemon: Daemon) -> None:
    print(f"{daemon.name:<9} {daemon.url}  {daemon.page}  (process {daemon.pid})")


if __name__ == "__main__":
    sys.exit(main())
