"""All screens of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from metaclip_curate.options.match import MatchOptions
from metaclip_curate.options.screens import ScreenOptions
from metaclip_curate.screens.column import ColumnScreen
from metaclip_curate.screens.expression import Expression
from metaclip_curate.screens.host_screens import HostPolicyScreen, HostScreen, PrivateAddressScreen
from metaclip_curate.screens.host_table import HostTable
from metaclip_curate.screens.license import LicenseScreen
from metaclip_curate.screens.pairs import Screen, ScreenedPairs
from metaclip_curate.screens.reasons import REASONS
from metaclip_curate.screens.removed import Removal, RemovedScreen
from metaclip_curate.screens.text_screens import LanguageScoreScreen, LengthScreen, PersonalDataScreen, WordScreen
from metaclip_curate.storage import StorageOptions

_NONE = -1


@dataclass(frozen=True)
class ScreenLists:
    """What a run's screens look up, as workers get it.

    Attributes:
        hosts: Table of listed hosts, or the path or URL of its file; None without one.
        policies: Table of host policies, or the path or URL of its file; None without one.
        policy_rules: Names of the policies' rules.
        words: Words by language.
        removed: What was taken down.
    """

    hosts: HostTable | str | None = None
    policies: HostTable | str | None = None
    policy_rules: tuple[str, ...] = ()
    words: tuple[tuple[str, tuple[str, ...]], ...] = ()
    removed: tuple[Removal, ...] = ()


@dataclass(frozen=True)
class Verdicts:
    """What screens say of n pairs.

    Attributes:
        codes: Position in `REASONS` of each pair's first reason, -1 for pairs that pass, int8, shape (n,).
        rules: Number of pairs that were rejected for `host_policy`, by rule.
    """

    codes: npt.NDArray[np.int8]
    rules: Counter[str] = field(default_factory=Counter)

    @property
    def passed(self) -> npt.NDArray[np.bool_]:
        """Which pairs no screen rejects, shape (n,)."""
        passed: npt.NDArray[np.bool_] = self.codes == _NONE
        return passed

    def reasons(self) -> pa.StringArray:
        """Returns the reasons of the pairs that were rejected, in their order."""
        rejected = pa.array(self.codes[self.codes != _NONE].astype(np.int32))
        return pa.array(REASONS, pa.string()).take(rejected)

    def counts(self) -> Counter[str]:
        """Returns the number of pairs by reason."""
        return Counter(self.reasons().to_pylist())


class Screens:
    """Screens in the order of their reasons.

    Args:
        screens: The screens, in any order.
    """

    def __init__(self, screens: Sequence[Screen]) -> None:
        self._screens = sorted(screens, key=lambda screen: REASONS.index(screen.reason))

    @classmethod
    def of(
        cls, options: ScreenOptions, match: MatchOptions, lists: ScreenLists, storage: StorageOptions | None = None
    ) -> Screens:
        """Makes the screens that options ask for.

        Args:
            options: The options.
            match: How words and texts are spaced and normalised.
            lists: What they look up.
            storage: Credentials and limits for the tables of hosts.
        """
        return cls(list(_screens(options, match, lists, storage or StorageOptions())))

    def judge(self, pairs: ScreenedPairs) -> Verdicts:
        """Returns which pairs are rejected, and for which reason."""
        codes = np.full(pairs.rows.num_rows, _NONE, np.int8)
        rules: Counter[str] = Counter()
        for screen in self._screens:
            first = screen.rejects(pairs) & (codes == _NONE)
            codes[first] = REASONS.index(screen.reason)
            if isinstance(screen, HostPolicyScreen):
                rules.update(screen.rules[number] for number in screen.rules_of(pairs)[first].tolist())
        return Verdicts(codes, rules)


def _screens(
    options: ScreenOptions, match: MatchOptions, lists: ScreenLists, storage: StorageOptions
) -> Iterator[Screen]:
    if lists.removed:
        yield RemovedScreen(lists.removed)
    if lists.hosts:
        yield HostScreen(_opened(lists.hosts, storage))
    if lists.policies:
        yield HostPolicyScreen(_opened(lists.policies, storage), lists.policy_rules)
    if not options.allow_private_addresses:
        yield PrivateAddressScreen()
    if lists.words:
        yield WordScreen(dict(lists.words), match.entry_spacing, match.normalize)
    if options.personal_data == "reject":
        yield PersonalDataScreen()
    if (options.min_characters, options.max_characters, options.min_words) != (None, None, None):
        yield LengthScreen(options.min_characters, options.max_characters, options.min_words)
    if options.reject_lid_score_below is not None:
        yield LanguageScoreScreen(options.reject_lid_score_below)
    if options.licenses:
        yield LicenseScreen(options.licenses)
    if options.where:
        yield ColumnScreen(Expression(options.where))


def _opened(table: HostTable | str, storage: StorageOptions) -> HostTable:
    return HostTable.read(table, storage) if isinstance(table, str) else table
