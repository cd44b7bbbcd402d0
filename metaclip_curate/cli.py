"""The entry points of the commands.

They import the rest where they can report that a package is missing: an environment that was made for an older version
of the code lacks the dependencies that were added since.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from metaclip_curate.console.failures import failure_of


def main(arguments: Sequence[str] | None = None, program: str = "metaclip-curate") -> int:
    """Runs a command.

    Args:
        arguments: Command line without the program's name. Default: that of the process.
        program: Name of the program to show.

    Returns:
        Exit status: 0, 1 if the job failed, 2 for a mistake of the user's, 129 after SIGHUP, 130 after Ctrl-C, 143
        after SIGTERM, 141 if the reader of the output has gone.
    """
    try:
        from metaclip_curate.commands.program import run_command
    except (ModuleNotFoundError, KeyboardInterrupt) as error:
        failure = failure_of(error)
        if failure is None:
            raise
        print(f"{program}: {failure.message}", file=sys.stderr)
        return failure.status
    return run_command(list(sys.argv[1:] if arguments is None else arguments), program)


def entry_point() -> None:
    """Runs the console script."""
    sys.exit(main())


def job(*command: str) -> None:
    """Runs a spark-submit script: the command of that name, on the session that spark-submit set up."""
    sys.exit(main([*command, *sys.argv[1:]]))
