"""Writes Wikipedia dumps in MediaWiki's format: `python -m examples.dump_writer FOLDER [--multistream]`.

It writes one small dump for each language in `examples/wiki`, whose articles (LANGUAGE/TITLE.wiki, wikitext) were
written for this project. The same pages make the same bytes.
"""

import argparse
import bz2
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

WIKI_FOLDER = Path(__file__).parent / "wiki"
DATE = "20250101"
REDIRECT = "#REDIRECT [["

# Names of the namespaces of files and categories.
NAMESPACES = {
    "ar": ("ملف", "تصنيف"),
    "de": ("Datei", "Kategorie"),
    "en": ("File", "Category"),
    "es": ("Archivo", "Categoría"),
    "fr": ("Fichier", "Catégorie"),
    "ja": ("ファイル", "Category"),
    "th": ("ไฟล์", "หมวดหมู่"),
}


@dataclass(frozen=True)
class WikiPage:
    """A page.

    Attributes:
        title: Title with the name of the namespace.
        text: Wikitext.
        namespace: Number of the namespace, 0 for articles.
        model: Content model.
    """

    title: str
    text: str
    namespace: int = 0
    model: str = "wikitext"


def read_pages(language: str) -> list[WikiPage]:
    """Returns the articles of a shipped language, and a page of another namespace."""
    articles = [
        WikiPage(path.stem, path.read_text(encoding="utf-8")) for path in sorted(WIKI_FOLDER.glob(f"{language}/*"))
    ]
    return [*articles, WikiPage("Template:Stub", "''This page is short.''", namespace=10)]


def languages() -> list[str]:
    """Returns the shipped languages."""
    return sorted(path.name for path in WIKI_FOLDER.iterdir() if path.is_dir())


def dump_xml(pages: Sequence[WikiPage], language: str) -> Iterator[str]:
    """Yields the parts of a dump: header, pages, last line."""
    file_name, category_name = NAMESPACES.get(language, ("File", "Category"))
    yield (
        f'<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang={quoteattr(language)}>\n'
        f"  <siteinfo>\n    <sitename>Wikipedia</sitename>\n    <dbname>{language}wiki</dbname>\n    <namespaces>\n"
        '      <namespace key="0" case="first-letter" />\n'
        f'      <namespace key="6" case="first-letter">{escape(file_name)}</namespace>\n'
        f'      <namespace key="14" case="first-letter">{escape(category_name)}</namespace>\n'
        "    </namespaces>\n  </siteinfo>\n"
    )
    for number, page in enumerate(pages, 1):
        yield _page_xml(page, number)
    yield "</mediawiki>\n"


def write_dump(path: Path, pages: Sequence[WikiPage], language: str, level: int = 9) -> None:
    """Writes a dump of one bzip2 stream.

    Args:
        path: *-pages-articles.xml.bz2.
        pages: Pages of the dump.
        language: Code of the wiki.
        level: Size of a block in units of 100,000 bytes.
    """
    path.write_bytes(bz2.compress("".join(dump_xml(pages, language)).encode(), level))


def write_multistream(path: Path, pages: Sequence[WikiPage], language: str, pages_per_stream: int = 100) -> Path:
    """Writes a dump of many bzip2 streams and its index.

    Args:
        path: *-pages-articles-multistream.xml.bz2.
        pages: Pages of the dump.
        language: Code of the wiki.
        pages_per_stream: Number of pages in a stream; Wikimedia's have 100.

    Returns:
        Path of the index.
    """
    index = path.with_name(path.name.replace("multistream.xml", "multistream-index.txt"))
    if index == path:
        raise ValueError(f"{path} must be named *multistream.xml.bz2")
    header, *bodies, last = dump_xml(pages, language)
    data, lines = bz2.compress(header.encode()), []
    numbered = list(enumerate(zip(pages, bodies, strict=True), 1))
    for start in range(0, len(numbered), pages_per_stream):
        batch = numbered[start : start + pages_per_stream]
        lines += [f"{len(data)}:{number}:{page.title}\n" for number, (page, _) in batch]
        data += bz2.compress("".join(body for _, (_, body) in batch).encode())
    path.write_bytes(data + bz2.compress(last.encode()))
    index.write_bytes(bz2.compress("".join(lines).encode()))
    return index


def _page_xml(page: WikiPage, number: int) -> str:
    redirect = ""
    if page.text.startswith(REDIRECT):
        target = page.text.removeprefix(REDIRECT).partition("]]")[0]
        redirect = f"    <redirect title={quoteattr(target)} />\n"
    return (
        f"  <page>\n    <title>{escape(page.title)}</title>\n    <ns>{page.namespace}</ns>\n    <id>{number}</id>\n"
        f"{redirect}    <revision>\n      <id>{1000 + number}</id>\n"
        f"      <timestamp>2025-01-01T00:00:00Z</timestamp>\n      <model>{page.model}</model>\n"
        f'      <format>text/x-wiki</format>\n      <text bytes="{len(page.text.encode())}" xml:space="preserve">'
        f"{escape(page.text)}</text>\n    </revision>\n  </page>\n"
    )


def main() -> None:
    """Writes the dumps and prints their sizes."""
    parser = argparse.ArgumentParser(description="Write small Wikipedia dumps.", allow_abbrev=False)
    parser.add_argument("folder", type=Path, help="folder to write to")
    parser.add_argument("--multistream", action="store_true", help="write many streams and an index")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for language in languages():
        pages = read_pages(language)
        form = "pages-articles-multistream" if options.multistream else "pages-articles"
        path = options.folder / f"{language}wiki-{DATE}-{form}.xml.bz2"
        if options.multistream:
            write_multistream(path, pages, language, pages_per_stream=2)
        else:
            write_dump(path, pages, language)
        print(f"{path}: {len(pages)} pages, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
