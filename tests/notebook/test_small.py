"""A table that is curated in memory has the rows that the definition gives."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pyarrow as pa
import pytest

from metaclip_curate import CurateOptions, curate_small
from metaclip_curate.balance import order_keys
from metaclip_curate.errors import UserError
from metaclip_curate.notebook import match_batches
from metaclip_curate.options.balance import BalanceOptions
from metaclip_curate.options.dedup import DedupOptions
from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.options.match import MatchOptions
from metaclip_curate.options.pool import PoolOptions
from metaclip_curate.options.screens import ScreenOptions
from metaclip_curate.screens.host_policies import write_host_policies
from metaclip_curate.storage import StorageOptions
from tests.support import pools, runs

TABLE = pa.table(
    {
        "url": ["https://a.example/"] * 2,
        "text": ["The dog is here"] * 2,
        "tags": pa.array([["x"], None], pa.list_(pa.string())),
        "lang": ["", ""],
        "pool_lang": ["", ""],
    }
)


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory, mini_wats: list[Path]) -> tuple[Path, dict[str, list[str]]]:
    folder = tmp_path_factory.mktemp("lists") / "lists"
    return folder, runs.write_metadata_for(mini_wats[:1], folder, languages=runs.FEW_LANGUAGES)


@pytest.mark.slow
@pytest.mark.parametrize(
    "given",
    [
        {},
        {"texts_per_image": "one", "seed": 7, "tail_share": 0.4},
        {"entry_spacing": "symmetric", "normalize": "none", "same_t": True, "t": 4},
    ],
)
def test_the_rows_are_those_of_the_definition(
    mini_wats: list[Path], lists: tuple[Path, dict[str, list[str]]], given: dict[str, Any]
) -> None:
    folder, metadata = lists
    rows = pools.pool_rows(mini_wats[:1])
    options = CurateOptions(
        pool=PoolOptions(**pools.OPTIONS),
        match=MatchOptions(**{key: given[key] for key in ("entry_spacing", "normalize") if key in given}),
        balance=BalanceOptions(**{key: given[key] for key in ("same_t", "tail_share") if key in given}),
        draw=DrawOptions(**{key: given[key] for key in ("seed", "texts_per_image") if key in given}),
    )
    found = curate_small(pa.Table.from_pylist(rows), folder, given.get("t", 20), options)
    expected = pools.expected_tables(rows, metadata, **given)

    kept = found.kept.to_pylist()
    assert sorted(kept, key=lambda row: row["uid"]) == expected["manifest"]
    keys = order_keys([row["uid"] for row in kept], options.draw.seed).tolist()
    assert keys == sorted(keys)
    assert found.counts.to_pylist() == expected["counts"]
    thresholds = found.thresholds.to_pylist()
    for ours, theirs in zip(thresholds, expected["thresholds"], strict=True):
        if given.get("texts_per_image") == "one":
            ours["expected_pairs"] = theirs["expected_pairs"]  # the definition's is of all texts
        assert ours == theirs | {"expected_pairs": pytest.approx(theirs["expected_pairs"], rel=1e-12)}

    account = expected["inputs"][0]
    steps = {step.key: step.value for step in found.funnel.steps}
    assert {key: steps[key] for key in account if key in steps} == {
        key: account[key] for key in account if key in steps
    }
    assert steps["duplicate_texts"] > 0 < steps["dropped_not_http"]
    assert steps["matched"] == len(expected["matched"])
    assert steps["no_metadata"] + steps["unmatched"] + steps["matched"] == steps["pairs"]
    assert steps["kept"] == len(kept) == steps["matched"] - steps["not_drawn"]


def test_a_label_that_is_unsure_yields_to_the_page(tmp_path: Path) -> None:
    (tmp_path / "de.txt").write_text("rot\n")
    table = pa.table({"url": ["https://a.example/"], "text": ["rot x9"], "lang": ["de-DE"]})
    options = CurateOptions(
        pool=PoolOptions(page_lang_column="lang"),
        dedup=DedupOptions(lid_fallback="page", min_lid_score=1.0),
        balance=BalanceOptions(same_t=True),
    )
    assert curate_small(table, tmp_path, options=options).kept.column("metadata_lang").to_pylist() == ["de"]


def test_nothing_matches(tmp_path: Path) -> None:
    (tmp_path / "en.txt").write_text("dog\n")
    options = CurateOptions(balance=BalanceOptions(same_t=True))
    empty = pa.table({"url": pa.array([], pa.string()), "text": pa.array([], pa.string())})
    for table in (empty, pa.table({"url": ["https://a.example/"], "text": ["A cat in the garden"]})):
        found = curate_small(table, tmp_path, options=options)
        assert (found.kept.num_rows, found.counts.num_rows, found.thresholds.num_rows) == (0, 0, 0)
    with pytest.raises(UserError, match="no text matched the anchor language en"):
        curate_small(table, tmp_path)


@pytest.mark.parametrize(
    ("pool", "part"),
    [
        ({"url_column": "link"}, "the table can't be read as pairs: it has no column link among text, url, when"),
        ({"text_column": ("when",)}, "its column when has the type timestamp"),
        ({"keep_columns": ("when",)}, "the column when has the type timestamp"),
        ({"keep_columns": ("score",)}, "keep_columns names score, and the table has no such column"),
        ({"no_url": "mine"}, "no_url needs id_column"),
    ],
)
def test_mistakes(tmp_path: Path, pool: dict[str, Any], part: str) -> None:
    (tmp_path / "en.txt").write_text("dog\n")
    when = pa.array([0], pa.timestamp("s"))
    table = pa.table({"url": ["https://a.example/"], "text": ["A dog"], "when": when})
    with pytest.raises(UserError, match=part):
        curate_small(table, tmp_path, options=CurateOptions(pool=PoolOptions(**pool)))


@pytest.mark.parametrize(
    ("table", "options", "t", "part"),
    [
        (
            TABLE,
            {"pool": PoolOptions(keep_columns=("lang", "pool_lang"))},
            1,
            "and lang is kept as pool_lang",
        ),
        ([], {}, 1, "takes an Arrow table or a data frame, not list"),
        (TABLE, {}, "1", "--t must be a number, not '1'"),
        (TABLE, {}, 1.5, "--t must be a whole number, not 1.5"),
        (TABLE, {}, np.float64(1.5), "--t must be a whole number, not 1.5"),
        (pandas.DataFrame({"url": ["https://a.example/", 5]}), {}, 1, "be converted to Arrow .* column url"),
        (TABLE, {"pool": PoolOptions(text_column="text")}, 1, "--text-column must be a list of strings"),  # type: ignore[arg-type]
        (TABLE.append_column("text", TABLE.column("text")), {}, 1, "it has 2 columns of the name text"),
    ],
)
def test_values_of_other_types(tmp_path: Path, table: Any, options: dict[str, Any], t: Any, part: str) -> None:
    (tmp_path / "en.txt").write_text("dog\n")
    with pytest.raises(UserError, match=part):
        curate_small(table, tmp_path, t, CurateOptions(**options))


def test_a_t_of_numpy(tmp_path: Path) -> None:
    (tmp_path / "en.txt").write_text("dog\n")
    t: Any = np.int64(1)
    assert curate_small(TABLE, tmp_path, t).thresholds.column("t").to_pylist() == [1]


def test_a_group_isnt_all_options(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="options must be CurateOptions, not PoolOptions"):
        curate_small(TABLE, tmp_path, 1, PoolOptions())  # type: ignore[arg-type]


def test_tables_of_other_kinds_give_the_same(tmp_path: Path) -> None:
    (tmp_path / "en.txt").write_text("dog\n")
    options = CurateOptions(pool=PoolOptions(text_column=["text"], keep_columns=["tags"]))  # type: ignore[arg-type]
    expected = curate_small(TABLE, tmp_path, 1, options).kept
    assert expected.num_rows == 1
    views = pa.schema([("url", pa.string_view()), ("text", pa.string_view()), ("tags", pa.list_(pa.string_view()))])
    for table in (TABLE.select(views.names).cast(views), TABLE.to_pandas()):
        assert curate_small(table, tmp_path, 1, options).kept.equals(expected)


def test_lists_of_hosts_and_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "en.txt").write_text("dog\n")
    (tmp_path / "hosts").write_text("b.example\n")
    (tmp_path / "words").write_text("bad\n")
    write_host_policies(str(tmp_path / "policies"), {"c.example": "robots.txt: GPTBot"}, {}, StorageOptions())
    urls = [f"https://{host}.example/" for host in ("a", "b", "c", "a")]
    table = pa.table({"url": urls, "text": ["The dog is here", "The dog is there", "A dog", "The bad dog is here"]})
    screens = ScreenOptions(
        host_list=(str(tmp_path / "hosts"),),
        host_policies=str(tmp_path / "policies"),
        word_list=(f"en={tmp_path / 'words'}",),
    )
    found = curate_small(table, lists, 1, CurateOptions(screens=screens))
    assert found.kept.column("url").to_pylist() == ["https://a.example/"]
    steps = {step.key: step.value for step in found.funnel.steps}
    assert [steps[f"screened_{reason}"] for reason in ("host", "host_policy", "words")] == [1, 1, 1]

    monkeypatch.setattr(match_batches, "MOST_HOSTS", 1)
    with pytest.raises(UserError, match="--host-list and --host-policies name 2 hosts, and without a run folder at"):
        curate_small(table, lists, 1, CurateOptions(screens=screens))
    (tmp_path / "hosts").write_text("# none\n")
    with pytest.warns(UserWarning, match="hosts is empty and rejects nothing"):
        curate_small(table, lists, 1, CurateOptions(screens=screens))


def test_a_language_without_a_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "en.txt").write_text("dog\n")
    table = pa.table({"url": ["https://a.example/"], "text": ["A dog"]})
    with pytest.raises(UserError, match=f"--languages names fr, which has no file in {tmp_path}"):
        curate_small(table, tmp_path, options=CurateOptions(match=MatchOptions(languages=("fr",))))


@pytest.mark.slow
def test_it_is_imported_without_spark() -> None:
    program = "import sys, metaclip_curate; metaclip_curate.curate_small; print('pyspark' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "False\n"


def test_a_name_that_the_package_lacks_is_an_error() -> None:
    import metaclip_curate

    with pytest.raises(AttributeError, match="has no attribute curate_large"):
        metaclip_curate.curate_large  # noqa: B018
