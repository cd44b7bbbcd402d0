"""The finished runs that commands are tested on."""

from tests.support.finished_runs import made, real

__all__ = ["made", "real"]
