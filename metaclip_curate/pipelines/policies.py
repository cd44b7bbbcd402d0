"""Building a folder of host policies from archives of robots.txt."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from metaclip_curate.errors import UserError
from metaclip_curate.extract.robots_files import read_robots_files
from metaclip_curate.options.policies import PoliciesOptions
from metaclip_curate.screens.host_policies import require_replaceable, write_host_policies
from metaclip_curate.screens.hosts import normal_host
from metaclip_curate.screens.robots_rules import all_rules, forbidding_rule
from metaclip_curate.storage import InputError, StorageOptions, public_name
from metaclip_curate.storage.path_lists import read_lines

_ARCHIVE = re.compile(r"cc-robots:([\w-]+)(?::(\d+))?", re.ASCII)
_PREFIX = "cc-robots:"


@dataclass(frozen=True)
class FileSummary:
    """What a WARC has.

    Attributes:
        path: Its name.
        files: Number of files robots.txt and ai.txt.
        rules: The rule of each host that forbids.
        error: Why it couldn't be read, or which damage it has; empty if there is none.
    """

    path: str
    files: int
    rules: dict[str, str]
    error: str = ""


@dataclass(frozen=True)
class PoliciesSummary:
    """What was built.

    Attributes:
        inputs: Number of WARCs.
        failed: Names of WARCs that couldn't be read or are damaged, with the reason.
        files: Number of files robots.txt and ai.txt.
        hosts: Number of hosts that forbid.
        rules: Number of hosts that forbid, by rule.
    """

    inputs: int
    failed: dict[str, str]
    files: int
    hosts: int
    rules: dict[str, int] = field(default_factory=dict)


def build_policies(options: PoliciesOptions, store: StorageOptions, log: Callable[[str], None]) -> PoliciesSummary:
    """Writes the hosts that forbid to a folder.

    Args:
        options: The options.
        store: Credentials and limits for the files and the folder.
        log: Receives lines about progress.

    Raises:
        UserError: The folder has other files, or its files aren't an earlier build's; or no input could be read.
    """
    require_replaceable(options.output, store)
    paths = list(archive_files(options.input, store))
    order = {rule: number for number, rule in enumerate(all_rules(options.agents))}
    rules: dict[str, str] = {}
    files, read, failed = 0, 0, {}
    for summary in _read_all(paths, options, store):
        files += summary.files
        read += bool(summary.files or not summary.error)
        if summary.error:
            failed[summary.path] = summary.error
            done = "was read in part only" if summary.files else "can't be read"
            log(f"policies: {summary.path} {done} ({summary.error})")
        for host, rule in summary.rules.items():
            rules[host] = min(rule, rules.get(host, rule), key=order.__getitem__)
        log(f"policies: {read:,} of {len(paths):,} files read, {len(rules):,} hosts forbid")
    if not files:
        reasons = f": {next(iter(failed.values()))}" if failed else ""
        raise UserError(f"no robots.txt was found in {len(paths):,} files{reasons}; name WARCs with such responses")
    counts = Counter(rules.values())
    by_rule = {rule: counts[rule] for rule in order if counts[rule]}
    built = PoliciesSummary(len(paths), failed, files, len(rules), by_rule)
    about = {"inputs": [public_name(path) for path in paths], "failed": failed, "agents": list(options.agents)}
    write_host_policies(options.output, rules, about | {"files": files, "rules": by_rule}, store)
    return built


def archive_files(given: Iterable[str], store: StorageOptions) -> Iterator[str]:
    """Yields the WARCs that --input names.

    Raises:
        UserError: A crawl's archive is named wrongly or doesn't exist.
    """
    for spec in given:
        if not spec.startswith(_PREFIX):
            yield spec
            continue
        found = _ARCHIVE.fullmatch(spec)
        if found is None:
            raise UserError(f"{spec} names no crawl: write cc-robots:CC-MAIN-2025-30, or :N after it for N files")
        try:
            paths = [path for _, path in read_lines(f"crawl-data/{found[1]}/robotstxt.paths.gz", store)]
        except UserError as error:
            raise UserError(
                f"{spec} has no list of robots.txt archives ({error}): choose a crawl of "
                "https://index.commoncrawl.org/collinfo.json"
            ) from error
        yield from paths[: int(found[2])] if found[2] else paths


def _read_all(paths: Sequence[str], options: PoliciesOptions, store: StorageOptions) -> Iterator[FileSummary]:
    read = partial(read_policies, agents=options.agents, store=store)
    processes = min(options.processes, len(paths))
    if processes == 1:
        yield from map(read, paths)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(read, paths)


def read_policies(path: str, agents: Sequence[str], store: StorageOptions) -> FileSummary:
    """Reads the hosts that forbid from a WARC. What was read before an error counts."""
    order = {rule: number for number, rule in enumerate(all_rules(agents))}
    rules: dict[str, str] = {}
    files, error = 0, ""
    try:
        for file in read_robots_files(path, store):
            files += 1
            host = normal_host(file.url.partition("://")[2].partition("/")[0])
            rule = forbidding_rule(file.text, file.is_ai_txt, agents)
            if rule and host:
                rules[host] = min(rule, rules.get(host, rule), key=order.__getitem__)
    except InputError as broken:
        error = broken.reason
    return FileSummary(public_name(path), files, rules, error)
