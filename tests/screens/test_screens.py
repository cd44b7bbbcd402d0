"""Which pairs are rejected, and for which reason first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.options.match import MatchOptions
from metaclip_curate.options.screens import LICENSES, ScreenOptions
from metaclip_curate.screens.host_list import ALONE, WITH_SUBDOMAINS
from metaclip_curate.screens.host_screens import HostPolicyScreen, HostScreen, PrivateAddressScreen
from metaclip_curate.screens.host_table import HostTable, string_hashes
from metaclip_curate.screens.license import LicenseScreen, license_code
from metaclip_curate.screens.pairs import Screen, ScreenedPairs
from metaclip_curate.screens.reasons import IMAGE_REASONS, REASON_NAMES, REASONS
from metaclip_curate.screens.removed import Removal, RemovedScreen
from metaclip_curate.screens.screens import ScreenLists, Screens
from metaclip_curate.screens.text_screens import LanguageScoreScreen, LengthScreen, PersonalDataScreen, WordScreen

GOOD = {
    "uid": "0" * 32,
    "image_id": "0" * 24,
    "url": "https://img.example.org/a.jpg",
    "text": "a cat on a mat",
    "page_url": "https://example.org/",
    "license": "",
    "lang": "en",
    "lang_score": 0.9,
}


def _pairs(*changes: Mapping[str, Any], language: str = "en") -> ScreenedPairs:
    rows = pa.RecordBatch.from_pylist([{**GOOD, **change} for change in changes])
    return ScreenedPairs(rows, language)


def _rejected(screen: Screen, field: str, values: Sequence[Any], language: str = "en") -> list[Any]:
    mask = screen.rejects(_pairs(*({field: value} for value in values), language=language))
    return [value for value, rejected in zip(values, mask.tolist(), strict=True) if rejected]


def _table(hosts: Mapping[str, int]) -> HostTable:
    return HostTable.of([string_hashes(pa.array(list(hosts), pa.string()))], [np.array(list(hosts.values()), np.uint8)])


def test_every_reason_has_a_name() -> None:
    assert set(REASON_NAMES) == {*REASONS, *IMAGE_REASONS}


@pytest.mark.parametrize("field", ["url", "page_url"])
def test_hosts_of_image_and_page(field: str) -> None:
    screen = HostScreen(_table({"bad.org": WITH_SUBDOMAINS, "suffix.io": ALONE}))
    urls = [
        "https://bad.org/a",
        "http://a.b.bad.org:81/",
        "https://notbad.org/",
        "https://suffix.io",
        "https://a.suffix.io",
    ]
    assert _rejected(screen, field, urls) == [urls[0], urls[1], urls[3]]


def test_policies_are_of_hosts_themselves_and_counted_by_rule() -> None:
    screen = HostPolicyScreen(_table({"a.org": 0, "b.org": 1}), ["robots.txt: GPTBot", "ai.txt"])
    urls = ["https://a.org/1", "https://sub.a.org/1", "https://b.org/1", "https://c.org/1"]
    assert _rejected(screen, "url", urls) == [urls[0], urls[2]]
    pairs = _pairs({"url": urls[0], "page_url": urls[2]}, {"url": urls[3], "page_url": urls[2]}, {"url": urls[3]})
    assert screen.rules_of(pairs).tolist() == [0, 1, -1]
    assert dict(Screens([screen]).judge(pairs).rules) == {"robots.txt: GPTBot": 1, "ai.txt": 1}


def test_private_addresses() -> None:
    private = [
        *(
            "http://localhost/a",
            "http://127.0.0.1/a",
            "http://192.168.1.1:8080/a",
            "http://10.1.2.3/",
            "http://[::1]/a",
        ),
        *("http://169.254.169.254/latest", "http://printer.local/a", "http://nas/a", "http://x.home.arpa/a"),
        "http://metadata.google.internal/a",
    ]
    public = ["https://example.org/a", "http://8.8.8.8/a", "http://[2606:4700::1111]/a", "urn:pool:mine:17"]
    assert _rejected(PrivateAddressScreen(), "url", [*private, *public]) == private
    assert _rejected(PrivateAddressScreen(), "page_url", private) == []


def test_words_of_the_texts_language_in_any_case() -> None:
    screen = WordScreen({"en": ["Dog", "hot dog"], "zh": ["狗"]})
    texts = ["a dog.", "A DOG", "dogma", "hotdog", "two hot dogs", "one hot dog"]
    assert _rejected(screen, "text", texts) == [texts[0], texts[1], texts[5]]
    assert _rejected(screen, "text", ["一只狗在跑"], "zh") == ["一只狗在跑"]
    assert _rejected(screen, "text", ["a dog"], "fr") == []


def test_lengths() -> None:
    texts = ["ab", "abc", "é" * 3, "a b c d", "a" * 11]
    assert _rejected(LengthScreen(min_characters=3, max_characters=10), "text", texts) == ["ab", "a" * 11]
    assert _rejected(LengthScreen(min_words=2), "text", ["one", "one two", "a\u00a0b"]) == ["one"]


def test_language_scores() -> None:
    assert _rejected(LanguageScoreScreen(0.5), "lang_score", [0.49, 0.5, 1.0]) == [0.49]


def test_licenses() -> None:
    by, by_nc = "https://creativecommons.org/licenses/by/4.0/", "http://creativecommons.org/licenses/by-nc/2.0/de/"
    zero = "https://creativecommons.org/publicdomain/zero/1.0/"
    screen = LicenseScreen(["by", "zero"])
    assert _rejected(screen, "license", [by, by_nc, zero, "", "https://example.org/licenses/by/4.0/"]) == [
        by_nc,
        "",
        "https://example.org/licenses/by/4.0/",
    ]
    assert [license_code(url) for url in (by, by_nc, zero)] == ["by", "by-nc", "zero"]
    assert license_code("http://creativecommons.org/licenses/by-nd-nc/1.0/") == "by-nc-nd"
    assert license_code("http://creativecommons.org/licenses/GPL/2.0/") == ""
    assert {"by", "zero"} < set(LICENSES)


def test_removals() -> None:
    screen = RemovedScreen(
        [
            Removal("uid", "1" * 32),
            Removal("image_id", "2" * 24),
            Removal("url", "https://a.org/1.jpg"),
            Removal("host", "gone.org"),
            Removal("host", "github.io"),
        ]
    )
    changes: list[dict[str, str]] = [
        *(
            {},
            {"uid": "1" * 32},
            {"image_id": "2" * 24},
            {"url": "https://a.org/1.jpg"},
            {"url": "https://a.org/2.jpg"},
        ),
        *({"page_url": "http://www.gone.org/x"}, {"url": "https://me.github.io/x"}, {"url": "https://github.io/x"}),
    ]
    assert screen.rejects(_pairs(*changes)).tolist() == [False, True, True, True, False, True, False, True]
    assert RemovedScreen([]).rejects(_pairs({})).tolist() == [False]


def test_the_first_reason_in_the_order_counts() -> None:
    screens = Screens(
        [
            LengthScreen(max_characters=5),
            PersonalDataScreen(),
            HostScreen(_table({"bad.org": 0})),
            RemovedScreen([Removal("uid", "1" * 32)]),
        ]
    )
    mail = "write to a.b@example.org"
    verdicts = screens.judge(
        _pairs(
            {"uid": "1" * 32, "url": "http://bad.org/a", "text": mail},
            {"text": "short"},
            {"url": "http://bad.org/a", "text": mail},
            {"text": mail},
            {"text": "too long"},
        )
    )
    assert verdicts.reasons().to_pylist() == ["removed", "host", "personal_data", "length"]
    assert verdicts.passed.tolist() == [False, True, False, False, False]
    assert verdicts.counts() == {"removed": 1, "host": 1, "personal_data": 1, "length": 1}


def test_without_options_only_private_addresses_are_rejected() -> None:
    odd: list[dict[str, Any]] = [
        {"url": "http://127.0.0.1/a"},
        {"text": "x", "lang_score": 0.01},
        {"text": "write to a.b@example.org", "page_url": "http://bad.org/"},
    ]
    default = Screens.of(ScreenOptions(), MatchOptions(), ScreenLists())
    assert default.judge(_pairs(*odd)).passed.tolist() == [False, True, True]
    allowed = Screens.of(ScreenOptions(allow_private_addresses=True), MatchOptions(), ScreenLists())
    assert allowed.judge(_pairs(*odd)).passed.tolist() == [True, True, True]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"licenses": ("gpl",)}, "--licenses has no licence gpl"),
        ({"min_characters": 0}, "--min-characters must be at least 1"),
        ({"min_characters": 9, "max_characters": 3}, "--min-characters 9 is more than --max-characters 3"),
        ({"reject_lid_score_below": 1.5}, "--reject-lid-score-below must be a share"),
    ],
)
def test_impossible_options_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        ScreenOptions(**given)
