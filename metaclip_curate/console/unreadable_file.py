"""The name of a Parquet file that Spark can't read, from the text of its error.

Spark has no exception for it: what fails in a worker reaches the driver as text, with the file's name as a URI.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

UNREADABLE = re.compile(r"while reading file (\S+?)\.?(?:\s|$)|(\S+) is not a Parquet file")


def unreadable_file(error: str) -> str:
    """Returns the path or URL of the file that an error names; empty if it names none."""
    found = UNREADABLE.search(error)
    return re.sub("^file:/+", "/", unquote(found[1] or found[2])) if found else ""
