"""A cluster whose workers know nothing of the checkout, and what is sent there."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pyspark
import pytest

from benchmarks.synthetic_wat import write_synthetic_wat
from deploy.packaging.__main__ import package
from deploy.standalone.cluster import StandaloneCluster
from deploy.standalone.daemons import MasterOptions, WorkerOptions
from metaclip_curate.spark.java import find_java_home
from tests.support import quick_spark, runs
from tests.support.applications import Site

_FILES, _UNPACKED_BYTES = 6, 8_000_000


@pytest.fixture(scope="package")
def wats(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Files whose extraction takes each a while."""
    folder = tmp_path_factory.mktemp("wats")
    paths = [folder / f"{number:02}.warc.wat.gz" for number in range(_FILES)]
    for seed, path in enumerate(paths):
        write_synthetic_wat(path, _UNPACKED_BYTES, seed, compression_level=1)
    return paths


@pytest.fixture(scope="package")
def metadata(tmp_path_factory: pytest.TempPathFactory, wats: list[Path]) -> Path:
    folder = tmp_path_factory.mktemp("lists") / "metadata"
    runs.write_metadata_for(wats[:1], folder, entries=500)
    return folder


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A master and two workers, and the archive: packed here, unpacked elsewhere for the driver."""
    folder = tmp_path_factory.mktemp("site")
    quick = quick_spark.java_options()  # the archive of classes lies in the user's home
    archive = package(folder / "dist", extras=())
    with tarfile.open(archive) as packed:
        packed.extractall(folder / "driver", filter="tar")
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "TMPDIR": str(folder),
    }
    java = find_java_home(pyspark.__version__) or os.environ.get("JAVA_HOME", "")
    environment |= {"JAVA_HOME": java} if java else {}
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ.keys() - environment:
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)
        cluster = StandaloneCluster(folder / "cluster")
        try:
            master = cluster.start_master(MasterOptions(port=0, webui_port=0, java=quick))
            for _ in range(2):
                cluster.start_worker(master.url, WorkerOptions(memory="1g", java=quick))
        except BaseException:
            cluster.stop()
            raise
    yield Site(folder, archive, cluster, master, environment)
    cluster.stop()
