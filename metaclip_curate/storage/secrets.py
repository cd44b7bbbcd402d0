"""URLs without what lets somebody in: the user, the password, the signature or the token that stand in them.

A signed URL of a file is another one tomorrow, and the file is the same: what is left without these names the file. It
is what tables, records, messages and the console show; the whole URL is only ever sent to its server.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from hashlib import blake2b
from urllib.parse import quote, unquote

# Of Amazon, Google, Alibaba and Tencent; each signs with a family of parameters.
_PREFIXES = (
    "oauth_",
    "x_amz_",
    "x_goog_",
    "x_oss_signature",
    "x_oss_credential",
    "x_cos_",
    "q_sign",
    "q_ak",
    "q_key_time",
)
_ENDINGS = (
    *("token", "tokens", "signature", "password", "passwd", "passphrase", "secret", "credential", "credentials"),
    *("access_key", "accesskey", "access_key_id", "accesskeyid", "secret_key", "secretkey", "api_key", "apikey"),
    *("auth_key", "authkey", "private_key", "session_id", "sessionid", "token_id"),
)
# A token that says where a listing goes on tells two files apart, and lets nobody in.
_PLACES = ("page", "continuation", "next", "sync")
_NAMES = frozenset(
    {
        "sig",
        "sas",
        "auth",
        "authorization",
        "sign",
        "hmac",
        "pass",
        "session",
        "jsessionid",
        "subscription_key",
        "googleaccessid",
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
        "md5",
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

# nginx's secure_link signs with the two together.
_SIGNING_TOGETHER = frozenset({"md5", "expires"})
# Ordinary words, which also name keys of services. A key that looks like one is shown as a digest of it: unlike a
# signature it may be what tells two files apart.
_MAYBE_SECRET = frozenset({"key", "code"})
_LOOKS_RANDOM = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9+/_-]{16,}={0,2}", re.ASCII)
_DEEPEST = 3  # URLs within URLs

# As WHATWG splits a URL: the authority ends at the first of / \ ? #, and its last @ ends user and password.
_WEB_URL = re.compile(r"(?P<scheme>https?://)(?P<authority>[^/\\?#]*)(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?", re.I)
_IN_TEXT = re.compile(
    r"""(?P<scheme>(?:\b[a-z][a-z0-9+.-]*:)?//|\bhttps?:[/\\]*)(?P<login>[^/\\?#\s<>]*@)
    |(?P<mark>[?#])(?P<query>[^\s"'<>#]+)
    |;(?P<parameter>[^\s"'<>;=/?#&]+)=[^\s"'<>;/?#]*""",
    re.I | re.X,
)
_PATH_PARAMETER = re.compile(r";(?P<parameter>[^;=/]+)=[^;/]*")
# An authority that ends in a colon and something that is no port, and an @ later on: a user and the beginning of a
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
_ESCAPE = re.compile("%([0-9a-f]{2})", re.I)


def public_name(address: str) -> str:
    """An input's name: its address without user, password, signature, token and fragment if it is a web address.

    Anything else is its own name. Nothing else of a URL changes.
    """
    address = _BROKEN_LOGIN.sub(r"\g<scheme>", address) if has_broken_login(address) else address
    match = _WEB_URL.match(address)
    if match is None:
        return address
    query = _without_secrets(match["query"], _DEEPEST) if match["query"] is not None else None
    host = match["authority"].rpartition("@")[2]
    path = _PATH_PARAMETER.sub(_without_parameter, match["path"])
    kept = f"{match['scheme']}{host}{path}"
    # A query in which nothing is secret stays as it is, be it empty.
    return kept if query is None or (match["query"] and not query) else f"{kept}?{query}"


def has_broken_login(address: str) -> bool:
    """Whether a web address seems to hold a user or a password with / ? or # in it, which end the place of both."""
    return _BROKEN_LOGIN.match(address) is not None


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
    return _scrub(text, _DEEPEST)


def command_line(words: Sequence[str]) -> str:
    """A command as a shell takes it, without what is secret in it, and without bytes that are no UTF-8."""
    shown = []
    for word in words:
        match = _ARGUMENT.match(word)
        start = match.end() if match else 0
        shown.append(scrub(word[:start] + public_name(word[start:])))
    return shlex.join(shown).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _scrub(text: str, depth: int) -> str:
    """As `scrub` says, of URLs within URLs `depth` deep."""
    return _IN_TEXT.sub(lambda match: _scrubbed(match, depth), _BROKEN_LOGIN.sub(r"\g<scheme>", text))


def _scrubbed(match: re.Match[str], depth: int) -> str:
    if match["parameter"] is not None:
        return _without_parameter(match)
    if match["query"] is not None:
        kept = _without_secrets(match["query"], depth)
        return match["mark"] + kept if kept else ""
    # A user is part of an hdfs:// address, and no secret.
    hidden = match["scheme"].lower() != "hdfs://" or ":" in match["login"]
    return match["scheme"] if hidden else match[0]


def _without_parameter(match: re.Match[str]) -> str:
    """A parameter of a path, such as ;version=1, or nothing where it is secret."""
    return "" if _is_secret(_plain_name(match["parameter"])) else match[0]


def _without_secrets(query: str, depth: int) -> str:
    # Each piece begins with the mark that parts it from the one before. Some servers part by ; as well, and some
    # values hold one: what has no = after a ; goes with what is before it.
    pieces = re.split(r"(?=[&;?])", query)
    names = [_parameter(piece) for piece in pieces]
    signed = any(_is_secret(name) for name in names) or _SIGNING_TOGETHER.issubset(names)
    kept: list[str] = []
    dropped = False
    for piece, name in zip(pieces, names, strict=True):
        if "=" in piece or not piece.startswith(";"):
            dropped = _is_secret(name) or (signed and name in _BESIDE_A_SIGNATURE)
        if not dropped:
            kept.append(_shown_piece(piece, name, depth))
    return "".join(kept) if len(kept) == len(pieces) else "".join(kept).lstrip("&;?")


def _shown_piece(piece: str, name: str, depth: int) -> str:
    """A parameter that isn't secret by its name, without what is secret in its value."""
    start, equals, value = piece.partition("=")
    plain = unquote(value, "latin-1")  # bytes are characters here, and none is lost
    if name in _MAYBE_SECRET and _LOOKS_RANDOM.fullmatch(plain):
        return f"{start}{equals}~{blake2b(plain.encode(), digest_size=4).hexdigest()}"
    if "//" not in plain:
        return piece
    clean = _scrub(plain, depth - 1) if depth else ""
    return (
        piece if clean == plain else f"{start}{equals}{quote(clean, safe=':/', encoding='latin-1', errors='replace')}"
    )


def _parameter(piece: str) -> str:
    return _plain_name(piece.lstrip("&;?").partition("=")[0])


def _plain_name(name: str) -> str:
    """A parameter's name, with what is escaped in it read as servers read it, and without the [] of lists."""
    plain = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), name).lower().replace("-", "_")
    return plain.partition("[")[0].strip("_+ ")


def _is_secret(name: str) -> bool:
    if name.endswith(_ENDINGS):
        return not (name.endswith("token") and any(place in name for place in _PLACES))
    return name in _NAMES or name.startswith(_PREFIXES)
