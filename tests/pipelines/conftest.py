"""The finished runs that pipelines read, and the object store that lists are built in."""

from tests.support.finished_runs import made, real
from tests.support.servers.fixtures import no_proxy, s3_process, s3_server

__all__ = ["made", "no_proxy", "real", "s3_process", "s3_server"]
