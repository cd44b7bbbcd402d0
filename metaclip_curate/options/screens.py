"""The options of the screens, which the stage match applies before it matches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import check_range, check_share, option

PersonalData = Literal["keep", "reject"]
# Creative Commons' licences, by their names in URLs, and its two tools for works without copyright.
LICENSES = ("by", "by-sa", "by-nd", "by-nc", "by-nc-sa", "by-nc-nd", "zero", "mark")


@dataclass(frozen=True)
class ScreenOptions:
    """Which pairs are rejected before they are matched."""

    host_list: tuple[str, ...] = option(
        (),
        "lists of hosts; pairs whose image or page is on one of them or below it are rejected. A list has a host a "
        "line, is a hosts file, or a folder of categories with files named domains",
        metavar="PATH",
        changes_output=False,
    )
    host_policies: str = option(
        "",
        "folder that `policies build` wrote; pairs whose image or page is on a host that forbids are rejected",
        metavar="PATH",
        changes_output=False,
    )
    allow_private_addresses: bool = option(
        False, "keep images at loopback, link-local and private addresses, which are rejected otherwise"
    )
    word_list: tuple[str, ...] = option(
        (),
        "lists of words; texts of the language that contain one are rejected, in upper or lower case",
        metavar="LANG=FILE",
        changes_output=False,
    )
    personal_data: PersonalData = option(
        "keep", "what is done with texts that have an e-mail address, a telephone number, a payment card or an IBAN"
    )
    min_characters: int | None = option(None, "reject texts with fewer characters", metavar="N")
    max_characters: int | None = option(None, "reject texts with more characters", metavar="N")
    min_words: int | None = option(
        None, "reject texts with fewer words, which are what stands between spaces", metavar="N"
    )
    reject_lid_score_below: float | None = option(
        None, "reject texts whose language label has a smaller probability", metavar="SCORE"
    )
    licenses: tuple[str, ...] = option(
        (),
        f"keep only pairs whose page declares one of these Creative Commons licences: {', '.join(LICENSES)}",
        metavar="NAME",
    )

    where: str = option(
        "",
        "keep only pairs of a pool that fulfil this condition on columns of --keep-columns, such as "
        "'pool_punsafe < 0.1'; a null passes",
        metavar="CONDITION",
    )

    def __post_init__(self) -> None:
        for name in ("min_characters", "max_characters", "min_words"):
            if (value := getattr(self, name)) is not None:
                check_range(name, value, 1)
        if self.min_characters and self.max_characters and self.min_characters > self.max_characters:
            raise UserError(
                f"--min-characters {self.min_characters} is more than --max-characters {self.max_characters}: "
                "no text is left"
            )
        if self.reject_lid_score_below is not None:
            check_share("reject_lid_score_below", self.reject_lid_score_below)
        for name in self.licenses:
            if name not in LICENSES:
                raise UserError(f"--licenses has no licence {name}: give some of {', '.join(LICENSES)}")
