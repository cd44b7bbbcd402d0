"""Links of the site: to its pages, and to copies of other files, since the repository's address isn't known."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from posixpath import normpath, relpath

# Files of the project that are pages, besides those in docs/.
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changes.md",
    "metadata/README.md": "languages.md",
}
_LINK = re.compile(r"\]\(([^)\s#:]+)(#[^)\s]*)?\)")
_LOADED = re.compile(r'<(?:script|img|iframe|link rel="stylesheet")[^>]*?\s(?:src|href)="((?:https?:)?//[^"]*)"')


def source_of(page: str) -> str:
    """Returns the path in the project of a page's file.

    Args:
        page: Path of the page in the site.
    """
    return next((path for path, name in PAGES.items() if name == page), f"docs/{page}")


def with_links(markdown: str, page: str) -> str:
    """Returns a page whose links lead from its folder in the site.

    Args:
        markdown: The page, whose links lead from the folder of its file.
        page: Path of the page in the site.
    """

    def link(match: re.Match[str]) -> str:
        target = _in_site(_in_project(match[1], page))
        return f"]({relpath(target, str(PurePosixPath(page).parent))}{match[2] or ''})"

    return _LINK.sub(link, markdown)


def linked_files(markdown: str, page: str) -> set[str]:
    """Returns the paths in the project of linked files that are neither pages nor in docs/."""
    paths = {_in_project(match[1], page) for match in _LINK.finditer(markdown)}
    return {path for path in paths if _in_site(path) == copy_of(path)}


def copy_of(path: str) -> str:
    """Returns the path in the site of a copy of a file of the project."""
    return f"files/{path}"


def loaded_from_network(html: str) -> list[str]:
    """Returns the URLs of scripts, styles, pictures and frames that aren't part of the site."""
    return _LOADED.findall(html)


def _in_project(target: str, page: str) -> str:
    return normpath(f"{PurePosixPath(source_of(page)).parent}/{target}")


def _in_site(path: str) -> str:
    if path in PAGES:
        return PAGES[path]
    return path.removeprefix("docs/") if path.startswith("docs/") else copy_of(path)
