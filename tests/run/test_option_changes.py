"""The words for an option that differs from what a run was made with, and the values of options of older runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.option_changes import changed_option, older_values
from metaclip_curate.run.record import run_from_bytes
from metaclip_curate.run.stages import STAGES


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        ({"seed": 1, "t": 20}, {"t": 20, "seed": 1, "new": 2}, ""),
        ({"seed": 1}, {"seed": 2}, "--seed 1, and the command says 2"),
        ({"seed": 1}, {}, "--seed 1, and the command says nothing"),
        ({"tail_share": None}, {"tail_share": 0.2}, "--tail-share nothing, and the command says 0.2"),
        ({"languages": ["en"]}, {"languages": ["en", "de"]}, "--languages en, and the command says en,de"),
        (
            {"metadata_digests": {"de": "a", "en": "b"}},
            {"metadata_digests": {"de": "a", "en": "c"}},
            "other lists of metadata than the command's (changed: en)",
        ),
        (
            {"metadata_digests": {"en": "b", "ja": "a"}},
            {"metadata_digests": {"de": "x", "en": "c", "fr": "y"}},
            "other lists of metadata than the command's (added: de, fr; changed: en; removed: ja)",
        ),
        (
            {"metadata_digests": {}},
            {"metadata_digests": {f"x{number:02}": "a" for number in range(13)}},
            "other lists of metadata than the command's (added: x00, x01, x02, x03, x04, x05, x06, x07, x08, x09 and "
            "3 more)",
        ),
        (
            {"list_digests": {"--host-list a.txt": "a"}},
            {"list_digests": {"--host-list a.txt": "b"}},
            "--host-list a.txt with the digest a, and the command says b",
        ),
        (
            {"list_digests": {}},
            {"list_digests": {"--word-list en=w.txt": "b"}},
            "--word-list en=w.txt with the digest nothing, and the command says b",
        ),
        ({"x_digest": "a"}, {"x_digest": "b"}, "a --x with the digest a, and the command says b"),
        ({"lid_fallback": "none", "min_lid_score": 0.4}, {"lid_fallback": "none", "min_lid_score": 0.5}, ""),
        (
            {"lid_fallback": "none", "min_lid_score": 0.4},
            {"lid_fallback": "page"},
            "--lid-fallback none, and the command says page",
        ),
        (
            {"lid_fallback": "page", "min_lid_score": 0.4},
            {"lid_fallback": "page", "min_lid_score": 0.5},
            "--min-lid-score 0.4, and the command says 0.5",
        ),
        ({"rebalanced from": "/a"}, {}, "rebalanced from /a, and the command says nothing"),
        # A tail share takes the place of t, whose default nobody gave.
        (
            {"t": 20_000, "tail_share": 0.1},
            {"t": 3, "tail_share": None},
            "--tail-share 0.1, and the command says nothing",
        ),
        (
            {"t": 3, "tail_share": None},
            {"t": 20_000, "tail_share": 0.1},
            "--tail-share nothing, and the command says 0.1",
        ),
        ({"t": 20_000, "tail_share": 0.1}, {"t": 3, "tail_share": 0.1}, ""),
    ],
)
def test_the_first_difference_is_named(before: dict[str, Any], now: dict[str, Any], words: str) -> None:
    assert changed_option(before, now) == words


def test_an_option_that_a_version_did_not_have_has_its_older_value() -> None:
    match = older_values("match")
    assert match.items() >= {"languages": [], "entry_spacing": "metaclip2", "normalize": "nfc"}.items()
    assert match.items() >= {"allow_private_addresses": False, "personal_data": "keep", "licenses": []}.items()
    assert older_values("balance")["tail_share"] is None
    assert older_values("sample")["texts_per_image"] == "all"
    assert all(isinstance(older_values(stage), dict) for stage in STAGES)


def test_a_run_of_an_older_version_is_compared_by_older_values(tmp_path: Path) -> None:
    """Its fingerprint stays, so that what it has finished isn't done again."""
    folder = RunFolder(str(tmp_path / "run"))
    assert folder.options_of("match") == {}
    folder.begin("match", {"entry_spacing": "kana"}, "")
    assert folder.options_of("match").items() >= {"languages": [], "entry_spacing": "kana", "normalize": "nfc"}.items()
    folder.check_options("match", {"entry_spacing": "kana", "normalize": "nfc"})
    folder.check_options("match", {"entry_spacing": "kana"})
    with pytest.raises(UserError, match="--normalize nfc, and the command says none"):
        folder.check_options("match", {"entry_spacing": "kana", "normalize": "none"})
    before = run_from_bytes((tmp_path / "run" / "run.json").read_bytes(), "run.json")
    assert before.stages["match"].options == {"entry_spacing": "kana"}
