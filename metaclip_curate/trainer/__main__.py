"""`python -m metaclip_curate.trainer`, alone or under torchrun: trains a CLIP model on curated pairs."""

from __future__ import annotations

import os
import sys

from metaclip_curate.errors import JobFailedError, UserError
from metaclip_curate.options.command_line import add_options
from metaclip_curate.options.parser import OptionParser
from metaclip_curate.trainer.train.distributed import init_distributed
from metaclip_curate.trainer.train.options import GROUPS
from metaclip_curate.trainer.train.recipe import read_recipe, recipe_names, resolved
from metaclip_curate.trainer.train.train import Training

_STATUS: dict[type[BaseException], int] = {JobFailedError: 1, UserError: 2, KeyboardInterrupt: 130}


def main(arguments: list[str]) -> int:
    """Trains a model.

    Returns:
        Exit status: 0 also after a stop with a checkpoint, 1 if the training failed, 2 after a mistake of the user,
        130 after Ctrl-C without a checkpoint.
    """
    parser = OptionParser(
        "python -m metaclip_curate.trainer",
        description="Train a CLIP model on curated pairs, also under torchrun.",
        examples=(
            "--recipe tiny --data images --output training",
            "--recipe my.toml --data images --run out --output training --batch-size 4096",
        ),
    )
    recipes = ", ".join(recipe_names())
    parser.add_argument("--recipe", default="", metavar="NAME", help=f"TOML file, or one of {recipes}")
    parser.add_argument("--device", default="", choices=["cpu", "cuda"], help="default: cuda if available")
    for group, options in GROUPS.items():
        add_options(parser, group, options)
    parsed = parser.parse_args(arguments)
    try:
        given = resolved(parsed, read_recipe(parsed.recipe) if parsed.recipe else {})
        with init_distributed(parsed.device) as distributed:
            Training(given, distributed, lambda line: print(line, flush=True)).run()
    except (UserError, JobFailedError, KeyboardInterrupt) as error:
        message = str(error) or "interrupted: the same command goes on from the newest checkpoint"
        print(f"metaclip_curate.trainer: {message}", file=sys.stderr, flush=True)
        status = _STATUS[type(error)]
        if "WORLD_SIZE" in os.environ:
            # The process group's end would wait for ranks that may have ended.
            os._exit(status)
        return status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
