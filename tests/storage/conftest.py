"""The stores that storage is tested with."""

from __future__ import annotations

from pathlib import Path

import pytest

from metaclip_curate.storage import StorageOptions, hdfs
from metaclip_curate.storage.s3_client import forget_clients
from tests.support.servers.fixtures import faulty_http, faulty_s3, gcs_server, no_proxy, s3_process, s3_server
from tests.support.servers.gcs import GcsServer
from tests.support.servers.hdfs import hdfs_in
from tests.support.servers.s3 import S3Server

__all__ = ["faulty_http", "faulty_s3", "gcs_server", "no_proxy", "run_folder", "s3_process", "s3_server"]


# The servers of the object stores take seconds to start.
_SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("s3", "gs")]


@pytest.fixture(params=["local", "file:", "hdfs", *_SLOW])
def run_folder(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, StorageOptions]:
    """A run folder that doesn't exist yet, in each store, and the options to reach it."""
    if request.param == "local":
        return str(tmp_path / "not yet" / "run"), StorageOptions()
    if request.param == "file:":
        return (tmp_path / "not yet" / "run").as_uri(), StorageOptions()
    if request.param == "hdfs":
        monkeypatch.setattr(hdfs, "file_system", lambda url: hdfs_in(tmp_path))
        return "hdfs://namenode:8020/not yet/run", StorageOptions()
    if request.param == "gs":
        import gcsfs  # takes most of a second

        gcs: GcsServer = request.getfixturevalue("gcs_server")
        gcsfs.GCSFileSystem.clear_instance_cache()
        gcs.objects["runs/another object"] = b""
        return "gs://runs/not yet/run", StorageOptions()
    s3: S3Server = request.getfixturevalue("s3_server")
    forget_clients()
    s3.put("runs", {})
    name = request.node.name.replace("[", "-").replace("]", "")
    return f"s3://runs/{name}/run", StorageOptions(s3_endpoint_url=s3.url)
