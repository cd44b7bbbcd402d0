"""The days of page views that a build counts, spread over years so that no week's news decides.

Days are picked by a hash of (seed, number of the day): the time before the dump is cut into as many parts of equal
length as there are days to pick, and each part gives one.
"""

from __future__ import annotations

import datetime

import numpy as np

from metaclip_curate.balance import hash_words
from metaclip_curate.errors import UserError
from metaclip_curate.options.fetch_metadata import FIRST_PAGE_VIEWS

_YEARS = 5


def pick_days(before: datetime.date, number: int, seed: int) -> list[datetime.date]:
    """Picks days of the five years before a date, none of which follows another.

    Args:
        before: Day after the last one that can be picked.
        number: Number of days to pick.
        seed: Seed of the hash.

    Returns:
        The days, sorted.

    Raises:
        UserError: There are too few days before the date.
    """
    first = FIRST_PAGE_VIEWS
    if before > first:
        first = max(first, before - datetime.timedelta(days=_YEARS * 365 + 1))
    span = max(0, (before - first).days)
    if number > span // 2:
        raise UserError(
            f"--pageviews-days {number} is too many: of the {span:,} days from {first:%Y%m%d} to {before:%Y%m%d} at "
            f"most {span // 2:,} can be picked that don't follow each other; choose fewer, or a later --date"
        )
    hashes = hash_words(np.arange(number, dtype=np.uint64), seed)
    picked: list[int] = []
    for part, each in enumerate(hashes.tolist()):
        days = range(part * span // number, (part + 1) * span // number)
        if picked and picked[-1] + 1 == days.start:
            days = days[1:]
        picked.append(days[each % len(days)])
    return [first + datetime.timedelta(days=day) for day in picked]
