"""Which parameters of a URL grant access: signatures, tokens, passwords, keys."""

from __future__ import annotations

import re
from collections.abc import Sequence

# Amazon, Google, Alibaba and Tencent each sign with a family of parameters.
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
# A token that marks a position in a listing distinguishes two files, and grants no access.
_LISTING_TOKENS = ("page", "continuation", "next", "sync")
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
# Parameters that belong to a signature if there is one, and may mean something else if there is none: of CloudFront, of
# Google's older signatures, of Azure's shared access signatures, of Alibaba and Tencent.
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
_ESCAPE = re.compile("%([0-9a-f]{2})", re.I)


def secret_parameters(names: Sequence[str]) -> frozenset[str]:
    """Returns which of a query's parameters are secret.

    Args:
        names: All names of the query, as `normalized` returns them.
    """
    secret = frozenset(filter(is_secret, names))
    if secret or _SIGNING_TOGETHER.issubset(names):
        return secret | _BESIDE_A_SIGNATURE.intersection(names)
    return secret


def is_secret(name: str) -> bool:
    """Returns whether a parameter is secret, whatever stands beside it.

    Args:
        name: The parameter's name, as `normalized` returns it.
    """
    if name.endswith(_ENDINGS):
        return not (name.endswith("token") and any(word in name for word in _LISTING_TOKENS))
    return name in _NAMES or name.startswith(_PREFIXES)


def normalized(name: str) -> str:
    """Returns a parameter's name in the notation of the lists above: decoded as servers do, and without a list's []."""
    plain = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), name).lower().replace("-", "_")
    return plain.partition("[")[0].strip("_+ ")
