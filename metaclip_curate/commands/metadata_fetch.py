"""metaclip-curate metadata fetch: the sources of a build, from Wikimedia and NLTK's data."""

from __future__ import annotations

from collections.abc import Sequence

from metaclip_curate.commands.command import Command, Given
from metaclip_curate.commands.output import log
from metaclip_curate.options.fetch_metadata import FetchOptions
from metaclip_curate.options.storage import StorageOptions


def _run(given: Given, words: Sequence[str]) -> None:
    from metaclip_curate.metadata.sources.fetch import Fetch
    from metaclip_curate.metadata.sources.fetch_file import Client
    from metaclip_curate.run.folder_names import require_no_run, require_writable_folder

    options: FetchOptions = given["fetch"]
    require_writable_folder(options.output)
    require_no_run(options.output, given["storage"])
    fetched = Fetch(options, Client(given["storage"], options.contact), log).run()
    print(f"{options.output}: {len(fetched):,} files, {sum(each['bytes'] for each in fetched.values()):,} bytes")


COMMAND = Command(
    "fetch",
    "download dumps, page views and wordnets",
    {"fetch": FetchOptions, "storage": StorageOptions},
    _run,
    examples=(
        "--languages de,fr,ja --date 20250101 --pageviews-days 7 --seed 1 --output sources",
        "--languages en --date 20250101 --pageviews-dates 20240301,20241103 --output sources",
    ),
    leave_out={"storage": ("s3_anonymous", "s3_endpoint_url", "s3_region", "cc_base")},
    resumes=True,
)
