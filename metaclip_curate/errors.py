"""The two exceptions that a user is meant to read, and the advice for a package that is missing."""

from __future__ import annotations

from typing import Any

from metaclip_curate import __version__


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


def install_extra(extra: str) -> str:
    """Returns how to install an optional dependency, for the end of a message.

    The package isn't published, so pip finds neither its name nor its extras in an index.

    Args:
        extra: Extra of pyproject.toml, or several with commas between them.
    """
    wheel = f"metaclip_curate-{__version__}-py3-none-any.whl"
    return f"run `pip install --editable '.[{extra}]'` in the clone, or `pip install '{wheel}[{extra}]'`"
