"""The README of a data set, from a data card and a funnel."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from metaclip_curate.publish.datacard_readme import MARK, POOL_MARK, datacard_readme
from metaclip_curate.run.funnel import Funnel, Step
from metaclip_curate.schemas import MANIFEST

FUNNEL = Funnel(
    inputs=(Step("files", "input files", 2), Step("failed", "failed", 1, part=True)),
    steps=(Step("image_links", "image links", 5590), Step("expected", "expected in the manifest", 2491.4)),
)
LANGUAGES = [
    {"metadata_lang": "de", "t": 5, "tail_share": 0.1, "pairs_in": 90, "pairs_out": 80, "images_out": 70},
    {"metadata_lang": "zh_yue", "t": 1, "tail_share": 0.1, "pairs_in": 9, "pairs_out": 8, "images_out": 7},
    {"metadata_lang": "fr", "t": 1, "tail_share": 0.0, "pairs_in": 1, "pairs_out": 0, "images_out": 0},
]


def datacard(**changes: Any) -> dict[str, Any]:
    balance = {"t": 20, "anchor_language": "en", "same_t": False, "tail_share": None}
    return {
        "command": "metaclip-curate run --input a",
        "options": {
            "extract": {"ignore_opt_out": changes.pop("ignore_opt_out", False)},
            "balance": balance | changes.pop("balance", {}),
            "sample": {"seed": 0, "texts_per_image": changes.pop("texts_per_image", "all")},
        },
        "inputs": {"dropped_opt_out": 12},
        "pairs_out": 88,
        "images_out": 77,
        "languages": LANGUAGES,
        "metadata": {"sha256": {"de": "0" * 64}},
        "language_id_model_sha256": "1" * 64,
        "versions": {"python": "3.11.0"},
        **changes,
    }


def test_the_metadata_is_yaml_that_the_hub_accepts() -> None:
    text = datacard_readme(datacard(), FUNNEL, "my pairs", "s3://bucket/my run")
    assert 'load_dataset("parquet", data_files="s3://bucket/my run/manifest/*.parquet", split="train")' in text
    head = yaml.safe_load(text.split("---\n")[1])
    assert head["pretty_name"] == "my pairs"
    assert head["language"] == ["de"]  # the hub doesn't know zh_yue, and fr has no pairs
    assert head["configs"][0]["data_files"][0]["path"] == "manifest/*.parquet"
    assert MARK in text.splitlines()
    assert ", in 2 languages, balanced" in text
    alone = datacard_readme(datacard(languages=LANGUAGES[:1]), FUNNEL, "x", "runs/x")
    assert ", in 1 language, balanced" in alone


def test_pairs_of_a_pool_have_its_terms() -> None:
    text = datacard_readme(datacard(inputs={"pages": 0, "dropped_opt_out": 0}), FUNNEL, "x", "runs/x")
    head = yaml.safe_load(text.split("---\n")[1])
    assert POOL_MARK in text.splitlines()
    assert "license_link" not in head
    assert "common-crawl" not in head["tags"]
    assert "Common Crawl, whose" not in text
    assert "The terms of the pool" in text


def test_kept_columns_of_a_pool_are_explained() -> None:
    card = datacard()
    card["options"]["extract"] |= {"keep_columns": ["width", "tags"], "kept_types": ["int64", "list of string"]}
    text = datacard_readme(card, FUNNEL, "x", "runs/x")
    assert "| `pool_width` | int64 | column width of the pool; null for a crawl's pairs |" in text
    assert "| `tags` | list<string> | column tags of the pool; null for a crawl's pairs |" in text


def test_rules_of_policies_are_below_their_reason() -> None:
    card = datacard(screened={"host_policy": 3, "words": 4}, policy_rules={"ai.txt": 2, "robots.txt: CCBot": 1})
    table = datacard_readme(card, FUNNEL, "x", "runs/x").partition("| pairs that were rejected |")[2]
    names = [line.split("|")[1].strip() for line in table.splitlines()[2:6]]
    assert names == ["from a host whose policy forbids it", "– ai.txt", "– robots.txt: CCBot", "with a listed word"]


def test_columns_steps_and_digests_are_in_tables() -> None:
    text = datacard_readme(datacard(), FUNNEL, "x", "runs/x")
    for name in MANIFEST.names:
        assert f"| `{name}` |" in text
    for row in ("input files | 2", "– failed | 1", "image links | 5,590", "expected in the manifest | 2,491.4"):
        assert f"| {row} |" in text
    assert "A link can have several captions (alt, title), each of which makes a pair." in text
    assert f"| metadata of de (SHA-256) | {'0' * 64} |" in text
    assert "12 image links" in text


@pytest.mark.parametrize(
    ("pairs", "size"), [(0, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (10**6, "1M<n<10M"), (4 * 10**8, "100M<n<1B")]
)
def test_sizes(pairs: int, size: str) -> None:
    assert f"- {size}\n" in datacard_readme(datacard(pairs_out=pairs), FUNNEL, "x", "runs/x")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "t = 20 for en, and for every other language the t at which its tail has the same share of matches"),
        ({"balance": {"same_t": True, "t": 7}}, "t = 7 for every language"),
        ({"balance": {"tail_share": 0.06}}, "the t at which its tail has 6.0% of its matches"),
        ({"texts_per_image": "one"}, "Of the texts of an image, only one was drawn."),
        ({"ignore_opt_out": True}, "opt-outs were ignored"),
    ],
)
def test_the_rule_is_described(changes: dict[str, Any], sentence: str) -> None:
    assert sentence in datacard_readme(datacard(**changes), FUNNEL, "x", "runs/x")


def test_characters_that_hide_or_turn_text_are_escaped() -> None:
    text = datacard_readme(datacard(command="run --input 'a\x1b]0;x\x07\u202e\nb|c'"), FUNNEL, "x\u202ey", "runs/x")
    assert all(line.isprintable() for line in text.split("\n"))
    assert "`run --input 'a\\x1b]0;x\\x07\\u202e\\nb\\|c'`" in text


def test_the_pages_that_were_chosen() -> None:
    query = {"crawl": "C", "languages": ["hau", "swa"], "hosts": [], "limit": 1000, "sample": 1.0, "seed": 0}
    other = query | {"languages": [], "hosts": ["*.ke"], "limit": 0, "sample": 0.5, "pages": 2345}
    text = datacard_readme(datacard(selections={"a": query | {"pages": 46}, "b": other}), FUNNEL, "x", "runs/x")
    assert "| pages of C | 46 by languages hau swa, limit 1,000 |" in text
    assert "| pages of C | 2,345 by hosts *.ke, sample 0.5 |" in text
