"""What MkDocs lacks for this project: pages outside of docs/, links to files of the project, a check for requests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

from docs.site.links import PAGES, copy_of, linked_files, loaded_from_network, with_links

ROOT = Path(__file__).parents[2]


def on_files(files: Any, config: Any) -> Any:
    """Adds the pages that stand outside of docs/."""
    for path, page in PAGES.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Lets links of a page lead to pages and to copies of files."""
    uri = page.file.src_uri
    for path in sorted(linked_files(markdown, uri)):
        if files.get_file_from_path(copy_of(path)) is None and (ROOT / path).is_file():
            files.append(File.generated(config, copy_of(path), abs_src_path=str(ROOT / path)))
    return with_links(markdown, uri)


def on_post_page(output: str, page: Any, config: Any) -> str:
    """Refuses a page that loads something from the network."""
    found = loaded_from_network(output)
    if found:
        raise PluginError(f"{page.file.src_uri} loads {found[0]}: ship what a page needs")
    return output
