"""URLs without what lets somebody in: the user, the password, the signature or the token that stand in them.

A signed URL of a file is another one tomorrow, and the file is the same: what is left without these names the file. It
is what tables, records, messages and the console show; the whole URL is only ever sent to its server.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

# Of Amazon, Google, Alibaba and Tencent; each signs with a family of parameters.
_PREFIXES = ("x_amz_", "x_goog_", "x_oss_signature", "x_oss_credential", "x_cos_", "q_sign", "q_ak", "q_key_time")
_ENDINGS = ("token", "signature", "password", "passwd", "secret")
# A token that says where a listing goes on tells two files apart, and lets nobody in.
_PLACES = ("page", "continuation", "next", "sync")
_NAMES = frozenset(
    {
        "sig",
        "sas",
        "auth",
        "authorization",
        "apikey",
        "api_key",
        "x_api_key",
        "subscription_key",
        "access_key",
        "accesskeyid",
        "awsaccesskeyid",
        "googleaccessid",
        "ossaccesskeyid",
        "key_pair_id",
        "pwd",
        "jwt",
        "bearer",
        "hdnts",
        "hdnea",
    }
)
# What is part of a signature where there is one, and may say something else where there is none: CloudFront's and
# Google's older way, Azure's shared access signatures, Alibaba's, Tencent's.
_BESIDE_A_SIGNATURE = frozenset(
    {
        "expires",
        "expiry",
        "exp",
        "policy",
        "hash_algorithm",
        "sv",
        "ss",
        "srt",
        "sr",
        "sp",
        "st",
        "se",
        "sip",
        "spr",
        "si",
        "sdd",
        "ses",
        "skoid",
        "sktid",
        "skt",
        "ske",
        "sks",
        "skv",
        "saoid",
        "suoid",
        "scid",
        "spk",
        "srk",
        "epk",
        "erk",
        "tn",
        "rscc",
        "rscd",
        "rsce",
        "rscl",
        "rsct",
        "x_oss_date",
        "x_oss_expires",
        "x_oss_additional_headers",
        "q_header_list",
        "q_url_param_list",
    }
)

# As WHATWG splits a URL: the authority ends at the first of / \ ? #, and its last @ ends user and password.
_WEB_URL = re.compile(r"(?P<scheme>https?://)(?P<authority>[^/\\?#]*)(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?", re.I)
_IN_TEXT = re.compile(
    r"""(?P<scheme>(?:\b[a-z][a-z0-9+.-]*:)?//)(?P<login>[^/\\?#\s<>]*@)|\?(?P<query>[^\s"'<>]+)""", re.I
)
_ARGUMENT = re.compile(r"(--[\w-]+=)?@?", re.ASCII)
_ESCAPE = re.compile("%([0-9a-f]{2})", re.I)


def name_of(address: str) -> str:
    """An input's name: its address without user, password, signature, token and fragment if it is a web address.

    Anything else is its own name. Nothing else of a URL changes.
    """
    match = _WEB_URL.match(address)
    if match is None:
        return address
    query = _without_secrets(match["query"]) if match["query"] is not None else None
    host = match["authority"].rpartition("@")[2]
    kept = f"{match['scheme']}{host}{match['path']}"
    # A query in which nothing is secret stays as it is, be it empty.
    return kept if query is None or (match["query"] and not query) else f"{kept}?{query}"


def login_of(address: str) -> str:
    """User and password of a web address as they stand in it, "user:password"; empty where there are none."""
    match = _WEB_URL.match(address)
    return match["authority"].rpartition("@")[0] if match is not None else ""


def without_login(address: str) -> str:
    """A web address as its server is asked for it: all of it but user, password and fragment."""
    match = _WEB_URL.match(address)
    if match is None:
        return address
    query = f"?{match['query']}" if match["query"] is not None else ""
    return f"{match['scheme']}{match['authority'].rpartition('@')[2]}{match['path']}{query}"


def scrub(text: str) -> str:
    """A text, such as a command or a library's message, without what is secret in the URLs in it."""
    return _IN_TEXT.sub(_scrubbed, text)


def command_line(words: Sequence[str]) -> str:
    """A command as a shell takes it, without what is secret in it, and without bytes that are no UTF-8."""
    shown = []
    for word in words:
        match = _ARGUMENT.match(word)
        start = match.end() if match else 0
        shown.append(scrub(word[:start] + name_of(word[start:])))
    return shlex.join(shown).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _scrubbed(match: re.Match[str]) -> str:
    if match["query"] is None:
        # A user is part of an hdfs:// address, and no secret.
        hidden = match["scheme"].lower() != "hdfs://" or ":" in match["login"]
        return match["scheme"] if hidden else match[0]
    kept = _without_secrets(match["query"])
    return f"?{kept}" if kept else ""


def _without_secrets(query: str) -> str:
    # Each piece begins with the mark that parts it from the one before. Some servers part by ; as well, and some
    # values hold one: what has no = after a ; goes with what is before it.
    pieces = re.split(r"(?=[&;])", query)
    signed = any(_is_secret(_parameter(piece)) for piece in pieces)
    kept: list[str] = []
    dropped = False
    for piece in pieces:
        if "=" in piece or not piece.startswith(";"):
            name = _parameter(piece)
            dropped = _is_secret(name) or (signed and name in _BESIDE_A_SIGNATURE)
        if not dropped:
            kept.append(piece)
    return query if len(kept) == len(pieces) else "".join(kept).lstrip("&;")


def _parameter(piece: str) -> str:
    """A parameter's name, with what is escaped in it read as servers read it."""
    name = piece.lstrip("&;").partition("=")[0]
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), name).lower().replace("-", "_").strip("_ ")


def _is_secret(name: str) -> bool:
    if name.endswith(_ENDINGS):
        return not (name.endswith("token") and any(place in name for place in _PLACES))
    return name in _NAMES or name.startswith(_PREFIXES)
