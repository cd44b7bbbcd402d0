"""The options of `explain`."""

from __future__ import annotations

from dataclasses import dataclass

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import option


@dataclass(frozen=True)
class ExplainOptions:
    """The pair, or the text, that is explained, and where to find what the run doesn't hold itself."""

    uid: str = option("", "the pair's uid, 32 hex digits", changes_output=False)
    url: str = option("", "an image's URL: all its pairs, or with --text the one", changes_output=False)
    text: str = option(
        "", "a text: the pairs that have it or, if there is none, what would happen", changes_output=False
    )
    metadata: str = option("", "the metadata folder (default: where the run found it)", changes_output=False)
    language_table: str = option(
        "", "the CSV from labels to metadata languages that the run was given", changes_output=False
    )
    lid_model: str = option("", "the fastText language-ID model that the run was given", changes_output=False)

    def __post_init__(self) -> None:
        if not (self.uid or self.url or self.text) or (self.uid and (self.url or self.text)):
            raise UserError("give --uid, --url, --text, or --url and --text together")
