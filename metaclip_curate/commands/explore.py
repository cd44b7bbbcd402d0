"""metaclip-curate explore: a page on this computer to search the pairs of a run."""

from __future__ import annotations

import time
from collections.abc import Sequence

from metaclip_curate.commands.command import RUN_THAT_IS_READ, Command, Given, open_finished_folder
from metaclip_curate.commands.output import log_of, print_json
from metaclip_curate.options.explore import ExploreOptions
from metaclip_curate.options.printing import PrintOptions


def _run(given: Given, words: Sequence[str]) -> None:
    import sys

    from metaclip_curate.inspect.explore.images import DownloadedImages
    from metaclip_curate.inspect.explore.index import PairIndex
    from metaclip_curate.inspect.explore.server import listen, make_application, serve

    options: ExploreOptions = given["explore"]
    log = log_of(given["print"])
    folder = open_finished_folder(given, "sample")
    images = DownloadedImages(options.images) if options.images else None
    started = time.monotonic()
    with listen(options.port) as listening:
        log(f"explore: reading the pairs of {folder.root}")
        with PairIndex(folder, options) as index:
            if images:
                index.add_images(images.rows())
            application = make_application(index, images)
            host, port = listening.getsockname()
            address = f"http://{host}:{port}/"
            log(f"explore: {index.pairs:,} pairs in {time.monotonic() - started:.1f} s; Ctrl-C ends it")
            if given["print"].json:
                print_json({"address": address, "pairs": index.pairs, "all_pairs": index.all_pairs})
                sys.stdout.flush()
            else:
                log(address)
            serve(application, listening)


COMMAND = Command(
    "explore",
    "search the pairs of a run in the browser, with what became of each and why",
    {**RUN_THAT_IS_READ, "explore": ExploreOptions, "print": PrintOptions},
    _run,
    examples=("--run out", "--run out --images images --port 9000"),
)
