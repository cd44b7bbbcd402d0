"""The finished run that is damaged."""

from tests.support.finished_runs import made

__all__ = ["made"]
