"""Writes the input that ships with the project: `python -m examples.make_mini_wat [FOLDER]`.

There are two files, so that a run has several inputs; some images and a whole page are in both. The
same code writes the same records; the compressed bytes also depend on the version of zlib.
"""

import argparse
import hashlib
from pathlib import Path

from examples.edge_cases import edge_cases
from examples.mini_pages import language_pages, read_languages
from examples.page import Page
from examples.wat_writer import write_wat

WAT_FOLDER = Path(__file__).parent / "wat"
FILE_NAMES = ("mini-00000.warc.wat.gz", "mini-00001.warc.wat.gz")
CRAWLED_TWICE = "repeated-image"  # the edge case whose page is in both files


def mini_files() -> dict[str, list[Page]]:
    """Returns the pages of each file, with the languages mixed as in a crawl."""
    languages = read_languages().items()
    pages = [page for code, language in languages for page in language_pages(code, language)]
    pages += [case.page for case in edge_cases()]
    pages.sort(key=_order)
    twice = next(case.page for case in edge_cases() if case.name == CRAWLED_TWICE)
    files = {
        name: [page for page in pages if _order(page) % len(FILE_NAMES) == number]
        for number, name in enumerate(FILE_NAMES)
    }
    for contents in files.values():
        if twice not in contents:
            contents.append(twice)
    return files


def _order(page: Page) -> int:
    return int.from_bytes(hashlib.blake2b(page.url.encode(), digest_size=8).digest())


def main() -> None:
    """Writes the files and prints their sizes."""
    parser = argparse.ArgumentParser(description="Write the WAT files that ship with the project.", allow_abbrev=False)
    parser.add_argument("folder", nargs="?", type=Path, default=WAT_FOLDER, help="folder to write to")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, pages in mini_files().items():
        write_wat(folder / name, pages, compression_level=9)
        links = sum(len(page.images) for page in pages)
        size = (folder / name).stat().st_size
        print(f"{folder / name}: {len(pages)} pages, {links} image links, {size:,} bytes")


if __name__ == "__main__":
    main()
