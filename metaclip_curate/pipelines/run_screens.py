"""The lists that a run's screens look up: their digests, which run.json records, and their form for the workers."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from functools import cached_property

from metaclip_curate import storage
from metaclip_curate.console.wording import counted
from metaclip_curate.errors import UserError
from metaclip_curate.options.screens import ScreenOptions
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.removed_table import removals
from metaclip_curate.schemas import Kept
from metaclip_curate.screens.expression import Expression
from metaclip_curate.screens.host_list import HostList, list_digest, read_host_list
from metaclip_curate.screens.host_policies import HostPolicies, policies_digest, read_host_policies
from metaclip_curate.screens.host_table import HostTable
from metaclip_curate.screens.screens import ScreenLists
from metaclip_curate.screens.word_list import WordList, read_word_list, split_word_list
from metaclip_curate.storage import StorageOptions, public_name

_HOSTS, _POLICIES = "listed-hosts", "host-policies"


class RunScreens:
    """The screens of a run.

    Args:
        options: The screens' options.
        storage: Credentials and limits for the lists.
        languages: Languages of which a list of words can be.
        log: Receives warnings.

    Attributes:
        options: As given.
        warnings: The warnings that `log` has received.
    """

    def __init__(
        self, options: ScreenOptions, storage: StorageOptions, languages: Collection[str], log: Callable[[str], None]
    ) -> None:
        self.options = options
        self._storage = storage
        self._languages = languages
        self._log = log
        self.warnings: list[str] = []

    @cached_property
    def digests(self) -> dict[str, str]:
        """SHA-256 of each list, by what it is and the end of its name, so that lists can be moved together.

        Raises:
            UserError: A list can't be read.
        """
        named = short_names([*self.options.host_list, *(each.source for each in self._words)])
        hosts, words = self.options.host_list, self._words
        found = {f"--host-list {named[source]}": list_digest(source, self._storage) for source in hosts}
        found |= {f"--word-list {each.language}={named[each.source]}": each.digest for each in words}
        if self.options.host_policies:
            found["--host-policies"] = policies_digest(self.options.host_policies, self._storage)
        return found

    @cached_property
    def _words(self) -> list[WordList]:
        lists = []
        for value in self.options.word_list:
            language, path = split_word_list(value)
            if language not in self._languages:
                raise UserError(f"--word-list {value}: no label counts as {language}; name a language such as en")
            lists.append(read_word_list(language, path, self._storage))
        return lists

    @cached_property
    def _host_lists(self) -> list[HostList]:
        return [read_host_list(source, self._storage) for source in self.options.host_list]

    @cached_property
    def _host_policies(self) -> HostPolicies | None:
        folder = self.options.host_policies
        return read_host_policies(folder, self._storage) if folder else None

    def check_where(self, kept: Kept) -> None:
        """Checks the condition of --where against the kept columns of a pool.

        Raises:
            UserError: It isn't a condition on these columns.
        """
        if self.options.where:
            Expression(self.options.where).check({column.name: column.type for column in kept})

    def check_lists(self) -> None:
        """Reads all lists, and logs a warning, once, for each that is empty or can't do what it seems to.

        Raises:
            UserError: A list is broken, or --where can't be read.
        """
        if self.options.where:
            Expression(self.options.where)
        for words in self._words:
            if not words.words:
                self._warn(f"match: the word list {public_name(words.source)} is empty and rejects nothing")
        for hosts in self._host_lists:
            if not len(hosts.table):
                self._warn(f"match: the host list {public_name(hosts.source)} is empty and rejects nothing")
            if hosts.public_suffixes:
                self._warn(
                    f"match: {public_name(hosts.source)} has {counted(hosts.public_suffixes, 'line')} with a public "
                    "suffix, such as co.uk or github.io, below which no host is rejected"
                )
        if self._host_policies and not len(self._host_policies.table):
            self._warn(f"match: {self.options.host_policies} has no host that forbids and rejects nothing")

    def lists(self) -> ScreenLists:
        """Returns what the screens look up, with the tables of hosts in memory.

        Raises:
            UserError: A list is broken, or --where can't be read.
        """
        self.check_lists()
        words: dict[str, list[str]] = {}
        for each in self._words:
            words.setdefault(each.language, []).extend(each.words)
        lists = self._host_lists
        policies = self._host_policies
        return ScreenLists(
            hosts=HostTable.of([each.table.hashes for each in lists], [each.table.values for each in lists]),
            policies=policies.table if policies else None,
            policy_rules=policies.rules if policies else (),
            words=tuple((language, tuple(of_language)) for language, of_language in sorted(words.items())),
        )

    def _warn(self, line: str) -> None:
        if line not in self.warnings:
            self._log(line)
            self.warnings.append(line)

    def write_lists(self, folder: RunFolder) -> ScreenLists:
        """Writes the tables of hosts to the run folder, from where workers read them until the stage is finished.

        Args:
            folder: The run folder, with the stage match begun.
        """
        lists = self.lists()
        return replace(
            lists,
            hosts=_written(lists.hosts, folder, _HOSTS),
            policies=_written(lists.policies, folder, _POLICIES),
            removed=removals(folder),
        )


def _written(table: HostTable | str | None, folder: RunFolder, name: str) -> str | None:
    """Writes a table and returns its path or URL; None for an empty table."""
    if not isinstance(table, HostTable) or not len(table):
        return None
    url = storage.join(folder.work("screens"), name)
    table.write(url, folder.options)
    return url


def short_names(sources: Collection[str]) -> dict[str, str]:
    """Returns the last parts of paths and URLs, as many as tell them apart, without what is secret in them."""
    split = {source: public_name(source).rstrip("/").split("/") for source in sources}
    for parts in range(1, max(map(len, split.values()), default=0) + 1):
        named = {source: "/".join(names[-parts:]) for source, names in split.items()}
        if len(set(named.values())) == len(named):
            return named
    return {source: public_name(source) for source in sources}
