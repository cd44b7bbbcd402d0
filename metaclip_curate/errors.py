"""The two exceptions that a user is meant to read."""

from __future__ import annotations

from typing import Any


class UserError(Exception):
    """A mistake in what the user gave: paths, options, metadata.

    The message is one sentence that names the file or the option and says what to do. The commands print it and
    exit with status 2, without a traceback.
    """


class JobFailedError(Exception):
    """The job ran and its result isn't acceptable; the message says why, and the commands exit with status 1.

    Attributes:
        result: What is finished, as JSON types, for commands with --json; None if there is nothing.
    """

    result: dict[str, Any] | None = None
