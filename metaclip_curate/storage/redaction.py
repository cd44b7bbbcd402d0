"""URLs without what grants access: the user, the password, the signature or the token in them.

A signed URL of a file is a different one tomorrow, though the file is the same: what remains without these parts names
the file. Tables, records, messages and the console show that name; the whole URL is only ever sent to its server.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from hashlib import blake2b
from urllib.parse import quote, unquote

from metaclip_curate.storage.secret_parameters import is_secret, normalized, secret_parameters

# Ordinary words that also name the access keys of services. A value that looks like such a key is shown as a digest:
# unlike a signature, it may be what distinguishes two files.
_MAYBE_SECRET = frozenset({"key", "code"})
_LOOKS_RANDOM = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9+/_-]{16,}={0,2}", re.ASCII)
_MOST_NESTED = 3  # levels of URLs within URLs

# The WHATWG standard's parts of a URL: the authority ends at the first of / \ ? #, and its last @ ends the password.
_WEB_URL = re.compile(r"(?P<scheme>https?://)(?P<authority>[^/\\?#]*)(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?", re.I)
_IN_TEXT = re.compile(
    r"""(?P<scheme>(?:\b[a-z][a-z0-9+.-]*:)?//|\bhttps?:[/\\]*)(?P<login>[^/\\?#\s<>]*@)
    |(?P<mark>[?#])(?P<query>[^\s"'<>#]+)
    |;(?P<parameter>[^\s"'<>;=/?#&]+)=[^\s"'<>;/?#]*""",
    re.I | re.X,
)
_PATH_PARAMETER = re.compile(r";(?P<parameter>[^;=/]+)=[^;/]*")
# An authority that ends in a colon and something that isn't a port, and an @ further on: a user and the beginning of a
# password in which / ? or # isn't escaped.
_BROKEN_LOGIN = re.compile(
    r"""(?P<scheme>https?:[/\\]{2})
    (?:[^/\\?#\s<>]*@)?
    (?:\[[^/\\?#\s<>@]*\]|(?!\[[^/\\?#\s<>@]*\])[^/\\?#\s<>@:]*)
    :(?!(?:[0-5]?[0-9]{1,4}|6[0-5][0-9]{3})(?:[/\\?#]))[^/\\?#\s<>@]*
    [/\\?#][^\s<>]{0,2000}@""",
    re.I | re.X,
)
_ARGUMENT = re.compile(r"(--[\w-]+=)?@?", re.ASCII)


def public_name(address: str) -> str:
    """Returns the name of an input: a web address without user, password, signature, token and fragment.

    Anything that isn't a web address is its own name. Other parts of a web address stay as they are.
    """
    address = _BROKEN_LOGIN.sub(r"\g<scheme>", address) if has_broken_login(address) else address
    match = _WEB_URL.match(address)
    if match is None:
        return address
    query = _without_secrets(match["query"], _MOST_NESTED) if match["query"] is not None else None
    host = match["authority"].rpartition("@")[2]
    path = _PATH_PARAMETER.sub(_without_parameter, match["path"])
    kept = f"{match['scheme']}{host}{path}"
    # A query without secrets stays as it is, even if it is empty.
    return kept if query is None or (match["query"] and not query) else f"{kept}?{query}"


def has_broken_login(address: str) -> bool:
    """Returns whether a web address seems to have a user or a password with an unescaped / ? or #."""
    return _BROKEN_LOGIN.match(address) is not None


def login_of(address: str) -> str:
    """Returns "user:password" of a web address, percent-encoded as it is there; empty if it has none."""
    match = _WEB_URL.match(address)
    return match["authority"].rpartition("@")[0] if match is not None else ""


def without_login(address: str) -> str:
    """Returns a web address as it is requested from its server: without user, password and fragment."""
    match = _WEB_URL.match(address)
    if match is None:
        return address
    query = f"?{match['query']}" if match["query"] is not None else ""
    return f"{match['scheme']}{match['authority'].rpartition('@')[2]}{match['path']}{query}"


def scrub(text: str) -> str:
    """Removes the secrets of the URLs in a text, such as a command or a library's message."""
    return _scrub(text, _MOST_NESTED)


def command_line(words: Sequence[str]) -> str:
    """Joins a command's words as for a shell, without secrets and without bytes that aren't UTF-8."""
    shown = []
    for word in words:
        match = _ARGUMENT.match(word)
        start = match.end() if match else 0
        shown.append(scrub(word[:start] + public_name(word[start:])))
    return shlex.join(shown).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _scrub(text: str, depth: int) -> str:
    """As `scrub`, for URLs nested up to `depth` levels."""
    return _IN_TEXT.sub(lambda match: _scrubbed(match, depth), _BROKEN_LOGIN.sub(r"\g<scheme>", text))


def _scrubbed(match: re.Match[str], depth: int) -> str:
    if match["parameter"] is not None:
        return _without_parameter(match)
    if match["query"] is not None:
        kept = _without_secrets(match["query"], depth)
        return match["mark"] + kept if kept else ""
    # The user of an hdfs:// address isn't a secret.
    hidden = match["scheme"].lower() != "hdfs://" or ":" in match["login"]
    return match["scheme"] if hidden else match[0]


def _without_parameter(match: re.Match[str]) -> str:
    """Returns a parameter of a path, such as ;version=1, or nothing if it is secret."""
    return "" if is_secret(normalized(match["parameter"])) else match[0]


def _without_secrets(query: str, depth: int) -> str:
    # Each piece begins with its separator. Some servers separate parameters by ; as well, but a value may contain a ;
    # too: a piece after a ; that has no = belongs to the parameter before it.
    pieces = re.split(r"(?=[&;?])", query)
    names = [normalized(piece.lstrip("&;?").partition("=")[0]) for piece in pieces]
    secret = secret_parameters(names)
    kept: list[str] = []
    dropped = False
    for piece, name in zip(pieces, names, strict=True):
        if "=" in piece or not piece.startswith(";"):
            dropped = name in secret
        if not dropped:
            kept.append(_shown_piece(piece, name, depth))
    return "".join(kept) if len(kept) == len(pieces) else "".join(kept).lstrip("&;?")


def _shown_piece(piece: str, name: str, depth: int) -> str:
    """Returns a parameter whose name isn't secret, without the secrets in its value."""
    start, equals, value = piece.partition("=")
    plain = unquote(value, "latin-1")  # maps every byte to a character, so that none is lost
    if name in _MAYBE_SECRET and _LOOKS_RANDOM.fullmatch(plain):
        return f"{start}{equals}~{blake2b(plain.encode(), digest_size=4).hexdigest()}"
    if "//" not in plain:
        return piece
    clean = _scrub(plain, depth - 1) if depth else ""
    return (
        piece if clean == plain else f"{start}{equals}{quote(clean, safe=':/', encoding='latin-1', errors='replace')}"
    )
