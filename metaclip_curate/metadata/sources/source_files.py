"""The files in --sources that a build uses (docs/metadata.md lists their names).

A folder may have the text of one Wikipedia in several forms, and counting two of them would count it twice. For
each edition one form is used, the first available of: the multistream dump, the plain dump, CirrusSearch, Parquet or
JSON lines; of several dates the newest; and a whole dump rather than parts. The console lists the skipped files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.metadata.sources.archives import is_archive
from metaclip_curate.metadata.sources.editions import Edition, all_editions
from metaclip_curate.metadata.sources.wordnet import ENGLISH, PRINCETON
from metaclip_curate.metadata.wikipedia.file_names import (
    FORMS,
    DumpName,
    dump_of_index,
    index_of_dump,
    is_page_views,
    parse_dump_name,
)
from metaclip_curate.storage import StorageOptions

_TAB = re.compile(r"wn-data-(?P<code>[a-z]+)\.tab(?:\.gz)?")
_DAY = r"\d{8}"
_WORDNET_ARCHIVE = re.compile(r"(?:wordnet|wn|omw).*", re.IGNORECASE)


@dataclass(frozen=True, order=True)
class SourceFile:
    """A file of a sources folder.

    Attributes:
        name: Path within the folder, which is what sources.json records.
        path: Path or URL.
    """

    name: str
    path: str

    @property
    def basename(self) -> str:
        """The name without folders."""
        return self.name.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class _Text:
    file: SourceFile
    name: DumpName


class SourceFiles:
    """The files in the folders of --sources.

    Args:
        folders: Folders, local or in an object store.
        options: Credentials and limits for reading the folders.

    Attributes:
        folders: The folders.
        files: All files, sorted.

    Raises:
        UserError: A folder has no files.
    """

    def __init__(self, folders: Sequence[str], options: StorageOptions) -> None:
        self.folders = tuple(folders)
        self.files: list[SourceFile] = []
        for folder in folders:
            names = storage.list_folder(folder, options, recursive=True)
            if not names and storage.is_local(folder) and Path(folder).is_file():
                raise UserError(f"--sources {folder} is a file: name the folder that it is in")
            if not names:
                raise UserError(f"--sources {folder} has no files: name a folder that `metadata fetch` downloaded to")
            self.files += [SourceFile(name, storage.join(folder, name)) for name in names]
        self.files.sort()

    def __str__(self) -> str:
        return ", ".join(self.folders)

    def page_views(self) -> list[SourceFile]:
        """Lists the hourly pageviews files, each hour once."""
        hours = {file.basename: file for file in reversed(self.files) if is_page_views(file.basename)}
        return [hours[name] for name in sorted(hours)]

    def wordnets(self, code: str) -> list[SourceFile]:
        """Lists the files that may hold a wordnet: single files, or else archives.

        Args:
            code: Code of the wordnet in Open Multilingual WordNet.

        Raises:
            UserError: Some of Princeton's four files are missing.
        """
        if code == ENGLISH:
            princeton = self._princeton()
            if princeton:
                return princeton
        tabs = [file for file in self.files if (found := _TAB.fullmatch(file.basename)) and found["code"] == code]
        archives = [f for f in self.files if is_archive(f.basename) and _WORDNET_ARCHIVE.fullmatch(f.basename)]
        return tabs or archives

    def _princeton(self) -> list[SourceFile]:
        found = [file for file in self.files if file.basename in PRINCETON]
        folders = sorted({file.path.rpartition("/")[0] for file in found})
        for folder in folders:
            files = [file for file in found if file.path.rpartition("/")[0] == folder]
            missing = sorted(set(PRINCETON) - {file.basename for file in files})
            if not missing:
                return files
        if folders:
            raise UserError(f"{folders[0]} has WordNet files but not {', '.join(missing)}: put all four there")
        return []

    def languages(self, with_simple: bool = False) -> list[str]:
        """Lists the metadata languages for which there is Wikipedia text, sorted.

        Args:
            with_simple: Whether the Simple English Wikipedia belongs to English. Default: it belongs to `other`.

        Raises:
            UserError: There is no Wikipedia text.
        """
        wikis = {name.wiki for file in self.files if (name := parse_dump_name(file.path))}
        found = sorted({edition.language for edition in all_editions(with_simple) if edition.code in wikis})
        if not found:
            raise UserError(
                f"no Wikipedia text of any language in {self}: `metaclip-curate metadata fetch` downloads it"
            )
        return found

    def texts(self, editions: Iterable[Edition], log: Callable[[str], None]) -> list[SourceFile]:
        """Lists the files with the text of some editions, and the indices of multistream dumps.

        Args:
            editions: The editions.
            log: Function that prints a line; it gets the files that are skipped.
        """
        wikis = {edition.code for edition in editions}
        named = ((file, parse_dump_name(file.path)) for file in self.files)
        texts = [_Text(file, name) for file, name in named if name and name.wiki in wikis]
        chosen: list[SourceFile] = []
        for wiki in sorted({text.name.wiki for text in texts}):
            of_wiki = [text for text in texts if text.name.wiki == wiki]
            used = _one_copy(of_wiki)
            skipped = sorted({text.file.name for text in of_wiki} - {text.file.name for text in used})
            if skipped:
                shown = ", ".join(skipped[:3]) + (f" and {len(skipped) - 3} more" if skipped[3:] else "")
                log(f"{wiki}wiki: uses {used[0].name.form} of {used[0].name.date or 'no date'}, skips {shown}")
            undated = [text.file.name for text in used if text.name.form in FORMS[:2] and _is_undated(text)]
            if len(undated) > 1:
                log(f"{wiki}wiki: uses {len(undated)} dumps without a date as pieces of one text: {', '.join(undated)}")
            chosen += [text.file for text in used]
        return sorted(chosen + self._indices(chosen))

    def _indices(self, dumps: list[SourceFile]) -> list[SourceFile]:
        """Lists the indices beside multistream dumps."""
        indices = {index_of_dump(dump.path) for dump in dumps}
        return [file for file in self.files if dump_of_index(file.path) and file.path in indices]


def _is_undated(text: _Text) -> bool:
    return not text.name.part and not re.fullmatch(_DAY, text.name.date)


def without_copies(files: Sequence[SourceFile], digests: Sequence[str]) -> tuple[list[SourceFile], list[str]]:
    """Leaves out dumps with the same content as another one, whose text would be counted twice, and their indices.

    Args:
        files: Files of `SourceFiles.texts`.
        digests: Digest of each file.

    Returns:
        The files that remain, and a line about each file that was left out.
    """
    first: dict[tuple[str, str], SourceFile] = {}
    left_out: dict[str, str] = {}
    for file, digest in zip(files, digests, strict=True):
        name = parse_dump_name(file.path)
        original = first.setdefault((name.wiki, digest), file) if name else file
        if original is not file:
            left_out[file.path] = f"{file.name} is left out: it has the same content as {original.name}"
            left_out[index_of_dump(file.path)] = ""
    return [file for file in files if file.path not in left_out], list(filter(None, left_out.values()))


def _one_copy(texts: list[_Text]) -> list[_Text]:
    """Chooses files of one edition that have its text exactly once."""
    form = min((text.name.form for text in texts), key=FORMS.index)
    texts = [text for text in texts if text.name.form == form]
    newest = max((text.name.date for text in texts if re.fullmatch(_DAY, text.name.date)), default="")
    if newest:
        texts = [text for text in texts if text.name.date == newest]
    whole = [text for text in texts if not text.name.part]
    # Whole dumps without a date are pieces that someone cut, each with a name of its own.
    by_name = {text.file.basename if form != "text" else text.file.name: text for text in whole or texts}
    return sorted(by_name.values(), key=lambda text: text.file)
