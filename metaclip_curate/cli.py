"""The ways in to the commands, which import the rest only where they can say that a package is missing.

An environment of an older version, into which newer code was pulled, lacks what has come to be needed since.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from metaclip_curate.console.failures import failure_of


def main(arguments: Sequence[str] | None = None, program: str = "metaclip-curate") -> int:
    """Runs a command.

    Args:
        arguments: Without the program's name; by default the process's.
        program: The name to show.

    Returns:
        The exit status: 0, 1 where the job failed, 2 for a mistake in what was given, 130 after Ctrl-C, 143 after
        SIGTERM, 141 where nobody reads the output any more.
    """
    try:
        from metaclip_curate.commands.program import run_command
    except ModuleNotFoundError as error:
        failure = failure_of(error)
        if failure is None:
            raise
        print(f"{program}: {failure.message}", file=sys.stderr)
        return failure.status
    return run_command(list(sys.argv[1:] if arguments is None else arguments), program)


def entry_point() -> None:
    """The console script."""
    sys.exit(main())


def job(*command: str) -> None:
    """The whole of a spark-submit script: the command of that name, on the session that spark-submit set up."""
    sys.exit(main([*command, *sys.argv[1:]]))
