"""The options of `remove`."""

from __future__ import annotations

from dataclasses import dataclass

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import option


@dataclass(frozen=True)
class RemoveOptions:
    """What is taken down from a run, and why."""

    run: str = option("", "run folder, whose manifest is changed", metavar="PATH", required=True, changes_output=False)
    uid: str = option("", "file with the uids of pairs, one a line", metavar="FILE", changes_output=False)
    url: str = option("", "file with URLs of images, one a line", metavar="FILE", changes_output=False)
    host: str = option(
        "",
        "file with hosts of images or pages, whose subdomains are removed too; a plain list or a hosts file",
        metavar="FILE",
        changes_output=False,
    )
    image_id: str = option("", "file with image ids, one a line", metavar="FILE", changes_output=False)
    reason: str = option(
        "",
        "why it is removed, which is recorded with it; required with --uid, --url, --host and --image-id",
        metavar="TEXT",
        changes_output=False,
    )
    purge: bool = option(
        False,
        "also remove the rows of all that was removed from pairs, distinct and matched",
        changes_output=False,
    )

    def __post_init__(self) -> None:
        if not self.run:
            raise UserError("--run is missing: name the run folder")
        if (self.uid or self.url or self.host or self.image_id) and not self.reason.strip():
            raise UserError("--reason is missing: say why this is removed, such as 'request of the photographer'")
