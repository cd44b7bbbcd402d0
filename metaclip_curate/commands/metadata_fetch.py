"""metaclip-curate metadata fetch: what a build needs, from Wikimedia and NLTK's data."""

from __future__ import annotations

import argparse
from typing import Any

from metaclip_curate.commands.output import tell
from metaclip_curate.options.command_line import add_options, given_options
from metaclip_curate.options.fetch_metadata import FetchOptions
from metaclip_curate.storage import StorageOptions

_GROUPS: dict[str, type] = {"fetch": FetchOptions, "storage": StorageOptions}
_ABOUT = "download dumps, pageviews and wordnets"
_OF_OTHER_STORES = ("s3_anonymous", "s3_endpoint_url", "s3_region", "cc_base")


def add(actions: Any) -> None:
    """Adds the command to the subparsers of `metadata`."""
    command = actions.add_parser("fetch", help=_ABOUT, description=_ABOUT.capitalize() + ".")
    for group, options in _GROUPS.items():
        add_options(command, group, options, leave_out=_OF_OTHER_STORES)
    command.set_defaults(handler=_run)


def _run(parsed: argparse.Namespace, command: str) -> None:
    from metaclip_curate.metadata.sources.fetch import Fetch
    from metaclip_curate.metadata.sources.fetch_file import Client

    given = given_options(parsed, _GROUPS)
    options: FetchOptions = given["fetch"]
    fetched = Fetch(options, Client(given["storage"], options.contact), tell).run()
    print(f"{options.output}: {len(fetched):,} files, {sum(each['bytes'] for each in fetched.values()):,} bytes")
