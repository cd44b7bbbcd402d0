"""The date of the newest dumps that are complete, for `metadata fetch --date latest`."""

from __future__ import annotations

import json
from collections.abc import Sequence

from metaclip_curate.errors import UserError
from metaclip_curate.metadata.sources.editions import editions_of
from metaclip_curate.metadata.sources.fetch_file import Client
from metaclip_curate.metadata.sources.fetch_plan import dump_dates, parse_sums
from metaclip_curate.metadata.wikipedia.file_names import checksums_name, published_dump
from metaclip_curate.options.fetch_metadata import FetchOptions
from metaclip_curate.storage import public_name


def latest_date(languages: Sequence[str], options: FetchOptions, client: Client) -> str:
    """Returns the newest date of which every language's own Wikipedia has a complete dump, YYYYMMDD.

    Args:
        languages: Metadata languages.
        options: The server and the form of the dumps.
        client: Client for requests.

    Raises:
        UserError: There is no such date.
    """
    wikis = [
        edition.wiki
        for language in languages
        for edition in editions_of(language, options.with_simple)
        if edition.code == edition.language
    ]
    dates = [set(dump_dates(client, f"{options.dumps_url}/{wiki}/")) for wiki in wikis]
    for date in sorted(set.intersection(*dates), reverse=True) if dates else []:
        if all(_is_complete(wiki, date, options, client) for wiki in wikis):
            return date
    raise UserError(
        f"{public_name(options.dumps_url)} lists no date with complete dumps of {', '.join(wikis)}: give a --date"
    )


def _is_complete(wiki: str, date: str, options: FetchOptions, client: Client) -> bool:
    base = f"{options.dumps_url}/{wiki}/{date}"
    sums = client.read(f"{base}/{checksums_name(wiki, date, 'sha1')}")
    names = set(published_dump(parse_sums(sums or b""), options.dump_form))
    return bool(names) and names.isdisjoint(_unfinished(client.read(f"{base}/dumpstatus.json") or b"{}"))


def _unfinished(status: bytes) -> set[str]:
    """Parses a dumpstatus.json for the files of jobs that aren't done, of which more files may follow."""
    try:
        jobs = json.loads(status).get("jobs", {}).values()
        return {file for job in jobs if job.get("status") != "done" for file in job.get("files", {})}
    except (ValueError, TypeError, AttributeError):
        return set()
