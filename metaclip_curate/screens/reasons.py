"""The reasons for which screens reject pairs and images, in the order in which they count."""

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
# Those of images after the download, of which likewise the first counts.
IMAGE_REASONS = ("unreadable", "image_list", "size", "near_duplicate", "benchmark", "classifier")
# Reasons whose texts are shown only when they are selected.
VEILED_REASONS = ("removed", "words", "personal_data", "image_list", "classifier")
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
    "unreadable": "with an image that can't be decoded",
    "image_list": "with a listed image",
    "size": "with an image that is too small or too long",
    "near_duplicate": "with a near duplicate of another image",
    "benchmark": "with an image of a benchmark",
    "classifier": "with an image that the classifier rejects",
}
