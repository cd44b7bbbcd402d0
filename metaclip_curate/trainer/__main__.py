"""`python -m metaclip_curate.trainer`, alone or under torchrun: trains a CLIP model on curated pairs."""

from __future__ import annotations

import sys

from metaclip_curate.errors import UserError
from metaclip_curate.options.command_line import add_options
from metaclip_curate.options.parser import OptionParser
from metaclip_curate.trainer.train.distributed import init_distributed
from metaclip_curate.trainer.train.options import GROUPS
from metaclip_curate.trainer.train.recipe import read_recipe, recipe_names, resolved
from metaclip_curate.trainer.train.train import Training


def main(arguments: list[str]) -> int:
    """Trains a model.

    Returns:
        Exit status: 0, or 2 after a mistake of the user.
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
    except UserError as error:
        print(f"metaclip_curate.trainer: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
