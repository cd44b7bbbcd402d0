"""The object store that lists are built in."""

from tests.support.servers.fixtures import no_proxy, s3_process, s3_server

__all__ = ["no_proxy", "s3_process", "s3_server"]
