"""Ranks of a training as processes of their own, forked from one that has imported PyTorch and open_clip already.

The imports take ten seconds of processor time, which each rank would pay again.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import socket
import sys
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

import pytest

from metaclip_curate.images.fetch import MAX_PIXELS

_PRELOADED = [
    "open_clip",
    "pytest",
    "metaclip_curate.images.img2dataset_downloader",
    "metaclip_curate.trainer.train.train",
]
# Read when PyTorch, albumentations and OpenCV are imported.
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "NO_ALBUMENTATIONS_UPDATE": "1",
    "OPENCV_IO_MAX_IMAGE_PIXELS": str(MAX_PIXELS),
}


@dataclass(frozen=True)
class Rank:
    """A process that trains.

    Attributes:
        process: The process.
        printed: File of what it prints, on both streams.
    """

    process: ForkServerProcess
    printed: Path

    def wait(self) -> int | None:
        """Returns the exit status; None if it hasn't ended within two minutes."""
        self.process.join(120)
        return self.process.exitcode


def preloaded_forkserver() -> ForkServerContext:
    """Returns the context of processes that are forked from one with PyTorch, open_clip and img2dataset."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in _ENVIRONMENT.items():
            patch.setenv(name, value)
        forkserver.ensure_running()
    return context


def start_ranks(folder: Path, *rank_arguments: tuple[str, ...]) -> list[Rank]:
    """Starts one rank for each tuple of arguments, without torchrun, as Slurm does.

    Args:
        folder: Folder of the files to print to.
        rank_arguments: The command line of `python -m metaclip_curate.trainer` of each rank.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    world = {"WORLD_SIZE": str(len(rank_arguments)), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    context = preloaded_forkserver()
    ranks = []
    for number, arguments in enumerate(rank_arguments):
        environment = os.environ | world | {"RANK": str(number), "LOCAL_RANK": str(number), "OMP_NUM_THREADS": "1"}
        printed = folder / f"rank-{port}-{number}.txt"
        process = context.Process(target=_train, args=(dict(environment), arguments, str(printed)))
        process.start()
        ranks.append(Rank(process, printed))
    return ranks


def _train(environment: dict[str, str], arguments: tuple[str, ...], printed: str) -> None:
    file = os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(file, stream.fileno())
    os.environ.update(environment)
    sys.argv = ["metaclip_curate.trainer", *arguments]
    runpy.run_module("metaclip_curate.trainer", run_name="__main__", alter_sys=True)
