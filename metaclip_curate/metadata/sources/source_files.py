"""Which of the files in --sources a build takes (docs/metadata.md lists the names).

Text of one Wikipedia may be there in several forms; counting two of them would count it twice. Of each edition one
form is taken, the first that is there of: the multistream dump, the plain dump, CirrusSearch, Parquet or JSON lines;
of several dates the newest; and a whole dump before the same in parts. What is passed over is told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.metadata.sources.editions import Edition, all_editions
from metaclip_curate.metadata.sources.wordnet import ENGLISH, PRINCETON, is_archive
from metaclip_curate.storage import StorageOptions

FORMS = ("multistream", "articles", "cirrussearch", "text")
_WIKI = r"(?P<wiki>[a-z][a-z_]*?)wiki"
_DATED = rf"{_WIKI}-(?:(?P<date>[^-]+)-)?"
_PART = r"(?P<part>\d*)"
_TEXT_ENDING = r"(?:parquet|(?:jsonl|ndjson)(?:\.gz|\.bz2)?)"
_NAMES = {
    "multistream": rf"{_DATED}pages-articles-multistream{_PART}\.xml(?:-p\d+p\d+)?(?:\.bz2)?",
    "articles": rf"{_DATED}pages-articles{_PART}\.xml(?:-p\d+p\d+)?(?:\.bz2)?",
    "cirrussearch": rf"{_DATED}cirrussearch-content\.json(?:\.gz|\.bz2)?"
    rf"|{_WIKI.replace('wiki>', 'wiki2>')}_content-(?P<date2>\d{{8}})-\d+\.json(?:\.gz|\.bz2)?",
    "text": rf"{_WIKI}(?:-(?P<date>\d{{8}}))?(?:[-.].*)?\.{_TEXT_ENDING}",
}
# The Hugging Face layout of Wikipedia: 20231101.de/train-00000-of-00020.parquet.
_DATASET = re.compile(rf"(?:.*/)?(?P<date>\d{{8}})\.(?P<wiki>[a-z][a-z_-]*)/[^/]+\.{_TEXT_ENDING}")
_INDEX = re.compile(r".*pages-articles-multistream-index\d*\.txt(?:-p\d+p\d+)?\.bz2")
_DUMP_OF_INDEX = re.compile(r"(-multistream)(\d*)\.xml((?:-p\d+p\d+)?)\.bz2$")
_PAGE_VIEWS = re.compile(r"pageviews-(?P<day>\d{8})-\d{6}(?:\.gz)?")
_TAB = re.compile(r"wn-data-(?P<code>[a-z]+)\.tab(?:\.gz)?")
_WORDNET_ARCHIVE = re.compile(r"(?:wordnet|wn|omw).*", re.IGNORECASE)


@dataclass(frozen=True, order=True)
class SourceFile:
    """A file of a sources folder.

    Attributes:
        name: Its path within the folder, which is what is recorded of it.
        path: Path or URL.
    """

    name: str
    path: str

    @property
    def basename(self) -> str:
        """Its name without folders."""
        return self.name.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class _Text:
    file: SourceFile
    wiki: str
    form: str
    date: str
    part: str


class SourceFiles:
    """The files in the folders of --sources.

    Args:
        folders: The folders, local or in an object store.
        options: How to reach them.

    Raises:
        UserError: A folder has no file.
    """

    def __init__(self, folders: Sequence[str], options: StorageOptions) -> None:
        self.folders = tuple(folders)
        self.files: list[SourceFile] = []
        for folder in folders:
            names = storage.list_folder(folder, options, recursive=True)
            if not names:
                raise UserError(f"--sources {folder} has no files: name a folder that `metadata fetch` downloaded to")
            self.files += [SourceFile(name, storage.join(folder, name)) for name in names]
        self.files.sort()

    def __str__(self) -> str:
        return ", ".join(self.folders)

    def page_views(self) -> list[SourceFile]:
        """The hourly pageviews files, each hour once."""
        hours = {file.basename: file for file in reversed(self.files) if _PAGE_VIEWS.fullmatch(file.basename)}
        return [hours[name] for name in sorted(hours)]

    def wordnets(self, code: str) -> list[SourceFile]:
        """The files that may hold a wordnet: loose ones, or else archives.

        Args:
            code: Its code in Open Multilingual WordNet.

        Raises:
            UserError: Princeton's files are not all there.
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

    def languages(self) -> list[str]:
        """The metadata languages that there is Wikipedia text of, sorted.

        Raises:
            UserError: There is none.
        """
        wikis = {text.wiki for file in self.files if (text := _text_of(file))}
        found = sorted({edition.language for edition in all_editions() if edition.code in wikis})
        if not found:
            raise UserError(
                f"no Wikipedia text of any language in {self}: `metaclip-curate metadata fetch` downloads it"
            )
        return found

    def texts(self, editions: Iterable[Edition], tell: Callable[[str], None]) -> list[SourceFile]:
        """The files with the text of some editions.

        Args:
            editions: The editions.
            tell: Takes a line about files that are passed over.
        """
        wikis = {edition.code for edition in editions}
        texts = [text for file in self.files if (text := _text_of(file)) and text.wiki in wikis]
        chosen: list[SourceFile] = []
        for wiki in sorted({text.wiki for text in texts}):
            of_wiki = [text for text in texts if text.wiki == wiki]
            taken = _one_copy(of_wiki)
            passed_over = sorted({text.file.name for text in of_wiki} - {text.file.name for text in taken})
            if passed_over:
                shown = ", ".join(passed_over[:3]) + (f" and {len(passed_over) - 3} more" if passed_over[3:] else "")
                tell(f"{wiki}wiki: takes {taken[0].form} of {taken[0].date or 'no date'}, passes over {shown}")
            chosen += [text.file for text in taken]
        return sorted(chosen + self._indices(chosen))

    def _indices(self, dumps: list[SourceFile]) -> list[SourceFile]:
        """The indices that lie beside multistream dumps."""
        wanted = {_DUMP_OF_INDEX.sub(r"\1-index\2.txt\3.bz2", dump.path) for dump in dumps}
        return [file for file in self.files if _INDEX.fullmatch(file.basename) and file.path in wanted]


def _text_of(file: SourceFile) -> _Text | None:
    for form, pattern in _NAMES.items():
        match = re.fullmatch(pattern, file.basename)
        if match:
            groups = match.groupdict()
            wiki, date = groups["wiki"] or groups["wiki2"], groups["date"] or groups.get("date2") or ""
            return _Text(file, wiki, form, date, groups.get("part") or "")
    match = _DATASET.fullmatch(file.path)
    return _Text(file, match["wiki"].replace("-", "_"), "text", match["date"], "") if match else None


def _one_copy(texts: list[_Text]) -> list[_Text]:
    """Of one edition's files those that have its text once."""
    form = min((text.form for text in texts), key=FORMS.index)
    texts = [text for text in texts if text.form == form]
    newest = max((text.date for text in texts if re.fullmatch(r"\d{8}", text.date)), default="")
    if newest:
        texts = [text for text in texts if text.date == newest]
    whole = [text for text in texts if not text.part]
    # Whole dumps without a date are pieces that someone cut, each with a name of its own.
    by_name = {text.file.basename if form != "text" else text.file.name: text for text in whole or texts}
    return sorted(by_name.values(), key=lambda text: text.file)
