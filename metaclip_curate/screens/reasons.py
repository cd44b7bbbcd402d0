"""The reasons for which screens reject pairs, in the order in which they count."""

from __future__ import annotations

# The first reason of a pair counts (spec section 6).
REASONS = (
    "removed",
    "host",
    "host_policy",
    "private_address",
    "words",
    "personal_data",
    "length",
    "language_score",
    "license",
    "column",
)
REASON_NAMES = {
    "removed": "removed on request",
    "host": "from a listed host",
    "host_policy": "from a host whose policy forbids it",
    "private_address": "at a private address",
    "words": "with a listed word",
    "personal_data": "with personal data",
    "length": "too short or too long",
    "language_score": "in an uncertain language",
    "license": "without one of the licences",
    "column": "excluded by --where",
}
