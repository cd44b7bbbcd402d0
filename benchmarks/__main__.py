"""Runs benchmarks: `python -m benchmarks [NAME ...] [--quick]`. Default: all of them."""

from __future__ import annotations

import argparse
import importlib

# In the order of the pipeline.
NAMES = (
    "extract",
    "pool",
    "matching",
    "match_memory",
    "match_stage",
    "screens",
    "images",
    "skew",
    "sampling",
    "growth",
    "stages",
    "recrawl",
    "explore",
    "simulation",
    "ngrams",
    "metadata_merge",
)


def main() -> None:
    """Runs the benchmarks that the command line names."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure speed, memory and cost.", allow_abbrev=False
    )
    parser.add_argument("names", nargs="*", choices=[[], *NAMES], metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--quick", action="store_true", help="small inputs, up to a minute each, as a check")
    options = parser.parse_args()
    for name in options.names or NAMES:
        print(f"\n== {name}")
        importlib.import_module(f"benchmarks.{name}").main(options.quick)


if __name__ == "__main__":
    main()
