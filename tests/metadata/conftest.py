"""The servers that metadata is read and downloaded from."""

from tests.support.servers.fixtures import faulty_http, no_proxy, s3_process, s3_server

__all__ = ["faulty_http", "no_proxy", "s3_process", "s3_server"]
