"""`python -m examples.stamps pages FOLDER` writes pages and metadata, `... train FOLDER` fetches, trains and measures.

Between the two, `metaclip-curate run` curates: once with a threshold, once with one that keeps everything.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from examples.stamps import collection, web
from metaclip_curate.errors import UserError


def main(arguments: list[str]) -> int:
    """Runs a part of the experiment.

    Returns:
        Exit status: 0, or 2 if there are no stamps.
    """
    parser = argparse.ArgumentParser("python -m examples.stamps", description=__doc__, allow_abbrev=False)
    parser.add_argument("part", choices=["pages", "train"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--stamps", type=Path, help="Tux Paint's folder of stamps (default: installed, else fetched)")
    parser.add_argument("--images", type=int, default=12_000, help="number of images on all pages")
    parser.add_argument("--port", type=int, default=18765, help="port of the image server")
    parser.add_argument("--seed", type=int, default=0, help="seed of pages and images")
    parser.add_argument("--seeds", type=int, default=3, help="number of trainings of each kind")
    parser.add_argument("--steps", type=int, default=300, help="number of steps of a training")
    parser.add_argument("--workers", type=int, default=1, help="number of processes that read data")
    options = parser.parse_args(arguments)
    try:
        stamps = collection.read_stamps(options.stamps or collection.find_stamps(options.folder / "stamps"))
    except UserError as error:
        print(f"examples.stamps: {error}", file=sys.stderr)
        return 2
    if options.part == "pages":
        address = f"http://127.0.0.1:{options.port}"
        drawn = web.write_web(stamps, options.images, address, options.seed, options.folder)
        most, least = max(drawn.frequency), sorted(drawn.frequency)[len(stamps) // 2]
        print(
            f"{options.images:,} images of {len(stamps)} subjects, {most:,} of them of the most frequent subject and "
            f"{least} of the median one"
        )
        return 0
    # Imported here, since only the part that trains runs in an environment with PyTorch.
    from examples.stamps import experiment

    began = time.monotonic()
    setting = experiment.Setting(options.seeds, options.steps, workers=options.workers)
    drawn = web.plan(stamps, options.images, options.seed)
    experiment.fetch_images(stamps, options.folder, options.port, options.seed)
    size, everything = experiment.write_manifest_as_found(options.folder)
    print(
        f"\nOf {everything:,} matched pairs, the set `balanced` has the {size:,} that balancing keeps, and the set "
        f"`as found` has {size:,} that were drawn uniformly."
    )
    experiment.train_all(options.folder, setting)
    results = experiment.measure(stamps, drawn, options.folder, setting, options.seed)
    experiment.write_results(options.folder, results)
    print(f"\n{experiment.table_of(results)}\n")
    print(
        f"Mean and standard deviation over {setting.seeds} trainings of {setting.steps} steps of {setting.batch} pairs "
        f"on each set; {time.monotonic() - began:,.0f} seconds in all. docs/training.md explains the rows."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
