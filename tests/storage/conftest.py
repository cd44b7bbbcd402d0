"""The servers that storage is tested against."""

from tests.support.servers.fixtures import faulty_http, faulty_s3, gcs_server, no_proxy, s3_process, s3_server

__all__ = ["faulty_http", "faulty_s3", "gcs_server", "no_proxy", "s3_process", "s3_server"]
