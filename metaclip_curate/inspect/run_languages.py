"""The language table that a run used."""

from __future__ import annotations

from metaclip_curate.errors import UserError
from metaclip_curate.language import LanguageTable, load_language_table
from metaclip_curate.run.folder import RunFolder


def run_language_table(folder: RunFolder, path: str) -> LanguageTable:
    """Loads the language table of a run.

    Args:
        folder: A run folder with the stage match finished.
        path: CSV from language-ID labels to metadata languages; empty for the one in the package.

    Raises:
        UserError: It isn't the table that the run used.
    """
    table = load_language_table(path or None)
    require_recorded(folder, "match", "language_table_digest", table.digest, "--language-table")
    return table


def require_recorded(folder: RunFolder, stage: str, name: str, digest: str, remedy: str) -> None:
    """Compares the digest of a file with the one that a run recorded.

    Args:
        folder: The run folder.
        stage: The stage that used the file.
        name: Name of the recorded option.
        digest: Digest of the file that is there now.
        remedy: The option that names another file.

    Raises:
        UserError: The digests differ.
    """
    recorded = folder.options_of(stage).get(name, digest)
    if recorded != digest:
        raise UserError(
            f"{folder.root} was made with another {name.removesuffix('_digest').replace('_', ' ')}, whose "
            f"digest is {recorded} and not {digest}: name it with {remedy}"
        )
