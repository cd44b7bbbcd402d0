"""The hosts of whole arrays of URLs, each distinct host once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import ada_url
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_ENDS_OF_HOST = b"/?#\\"
# A host as nearly all URLs write it: nothing but a name in lower case, which doesn't end like an address.
_PLAIN = r"^(?:[a-z0-9_-]+\.)+[a-z][a-z0-9-]*$"
_WEB = re.compile(r"https?:", re.IGNORECASE)


@dataclass(frozen=True)
class Hosts:
    """The hosts of n URLs.

    Attributes:
        names: Hosts in lower case and in ASCII, without a port and a final dot, each of a few URLs; empty for URLs
            without a host.
        indices: Position in `names` of each URL's host, int64, shape (n,).
    """

    names: pa.StringArray
    indices: npt.NDArray[np.int64]

    def spread(self, of_names: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Returns for each URL the value of its host."""
        return of_names[self.indices]


def hosts_of(urls: pa.StringArray) -> Hosts:
    """Finds the hosts of URLs. Those of other schemes than http and https have none.

    Args:
        urls: n absolute URLs without nulls. They needn't be in normal form, as those of pages aren't.
    """
    encoded = _between_slashes(urls).dictionary_encode()
    names = encoded.dictionary
    plain = pc.match_substring_regex(names, _PLAIN)
    if not pc.all(plain, min_count=0).as_py():
        normal = pa.array([normal_host(name) for name in names.filter(pc.invert(plain)).to_pylist()], pa.string())
        names = pc.replace_with_mask(names, pc.invert(plain), normal)
    return Hosts(names, encoded.indices.to_numpy().astype(np.int64))


def normal_host(written: str) -> str:
    """Returns a host as URLs in normal form have it.

    Args:
        written: What stands between the slashes of a URL, perhaps with a user and a port.

    Returns:
        The host in lower case and ASCII, an IPv6 address in brackets; empty if there is none.
    """
    try:
        return str(ada_url.URL(f"http://{written}").hostname).rstrip(".") if written else ""
    except ValueError:
        return ""


def normal_url(written: str) -> str | None:
    """Returns a URL in the normal form that tables have, without its fragment; None if it isn't one of the web."""
    try:
        url = str(ada_url.URL(written.strip()).href)
    except ValueError:
        return None
    return url.partition("#")[0] if _WEB.match(url) else None


def _between_slashes(urls: pa.StringArray) -> pa.StringArray:
    """Returns what stands between `http://` or `https://` and the next slash; empty for other schemes."""
    if not len(urls):
        return pa.array([], pa.string())
    offsets, data = string_buffers(urls)
    starts = offsets[:-1].astype(np.int64)
    limits = offsets[1:].astype(np.int64)
    # The last bytes are repeated, so that reading beyond the end of a short URL is allowed; the checks then fail.
    padded = np.append(data, np.zeros(8, np.uint8))
    secure = (padded[starts + 4] == ord("s")).astype(np.int64)
    starts = starts + 7 + secure
    is_web = (padded[starts - 1] == ord("/")) & (padded[starts - 2] == ord("/")) & (padded[starts - 3] == ord(":"))
    is_web &= (padded[offsets[:-1]] == ord("h")) & (padded[offsets[:-1] + 3] == ord("p")) & (starts <= limits)
    if not is_web.all():
        normal = pa.array([_normal_start(url) for url in urls.filter(pa.array(~is_web)).to_pylist()], pa.string())
        urls = pc.replace_with_mask(urls, pa.array(~is_web), normal)
        return _between_slashes(urls)
    ends_of_host = np.zeros(256, np.bool_)
    ends_of_host[list(_ENDS_OF_HOST)] = True
    ends = np.append(np.flatnonzero(ends_of_host[data]), len(data))
    stops = np.minimum(ends[np.searchsorted(ends, starts)], limits)
    return _slices(data, starts, stops - starts)


def _normal_start(url: str) -> str:
    """Returns a URL that begins with http:// in lower case, without a host if it isn't one of the web."""
    found = _WEB.match(url)
    return "http://" + url[found.end() :].lstrip("/\\") if found else "http://"


def string_buffers(strings: pa.StringArray) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
    """Returns the offsets of n strings, shape (n + 1,), and the bytes that they index.

    Args:
        strings: At least one string, without nulls.
    """
    _, offsets, data = strings.buffers()
    of_strings = np.frombuffer(offsets, np.int32)[strings.offset : strings.offset + len(strings) + 1]
    found = np.frombuffer(data, np.uint8) if data is not None and data.size else np.empty(0, np.uint8)
    first = int(of_strings[0])
    return of_strings - of_strings[0], found[first : int(of_strings[-1])]


def _slices(
    data: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]
) -> pa.StringArray:
    """Returns slices of bytes as strings."""
    offsets = np.zeros(len(starts) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    positions = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], lengths)
    buffers = [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(np.ascontiguousarray(data[positions]))]
    return pa.StringArray.from_buffers(len(starts), buffers[1], buffers[2])
