"""The S3 server that metadata is read from."""

from tests.servers.fixtures import s3_process, s3_server

__all__ = ["s3_process", "s3_server"]
