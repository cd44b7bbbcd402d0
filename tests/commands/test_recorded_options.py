"""What commands take from the run folder if it isn't given: recipe, options of match, those of older runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from metaclip_curate.cli import main
from metaclip_curate.commands.recorded_options import add_recorded, add_recorded_draw
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.record import RecipeRecord
from metaclip_curate.run.summaries import MatchSummary
from tests.support import made_run

MATCHED = {"languages": ["en", "de"], "entry_spacing": "kana", "normalize": "nfc", "metadata_digests": {}}
RECIPE = RecipeRecord("metaclip2", {"entry_spacing": "kana"})
BALANCED = {"t": 20_000, "anchor_language": "en", "same_t": False, "tail_share": None, "texts_per_image": "all"}


@pytest.fixture
def root(tmp_path: Path) -> str:
    """A run that was begun with a recipe and is finished up to match."""
    folder = RunFolder(str(tmp_path / "run"))
    folder.begin("match", MATCHED, "", recipe=RECIPE)
    folder.finish("match", MatchSummary(languages=(), no_metadata=0, metadata="/lists"))
    return folder.root


def recorded(command: str, root: str, **given: Any) -> dict[str, Any]:
    """What is added to the given options, whose group and field have two underscores between them."""
    before = {"run.output": root, **{name.replace("__", "."): value for name, value in given.items()}}
    values = dict(before)
    add_recorded(command, values)
    assert values.items() >= before.items()
    return {name: value for name, value in values.items() if name not in before}


@pytest.mark.parametrize("command", ["run", "match", "balance", "sample"])
def test_a_recipe_is_that_of_the_earlier_stage(command: str, root: str) -> None:
    assert recorded(command, root) == {"recipe.recipe": "metaclip2"}
    assert recorded(command, root, recipe__recipe="metaclip1") == {}


def test_a_recipe_is_that_of_the_last_of_the_earlier_stages(root: str) -> None:
    RunFolder(root).begin("balance", BALANCED, "", recipe=RecipeRecord("metaclip1"))
    assert recorded("match", root) == {"recipe.recipe": "metaclip2"}
    assert recorded("sample", root) == {"recipe.recipe": "metaclip1"}


def test_stages_that_are_repeated_have_recorded_nothing(root: str) -> None:
    assert recorded("run", root, repeat__again_from="match") == {}
    assert recorded("run", root, repeat__again_from="count")["recipe.recipe"] == "metaclip2"


def test_stages_that_are_not_repeated_keep_their_options(root: str) -> None:
    folder = RunFolder(root)
    folder.discard("extract")
    folder.begin("extract", {"max_record_bytes": 7, "keep_columns": ["score"], "kept_types": ["double"]}, "")
    folder.begin("dedup", {"lid_fallback": "page", "lid_model_digest": "0"}, "")
    folder.begin("match", MATCHED | {"licenses": ["cc0"]}, "", recipe=RECIPE)
    added = recorded("run", root, repeat__again_from="count", dedup__lid_fallback="none", match__metadata="/copied")
    assert added["extract.max_record_bytes"] == 7
    assert "dedup.min_lid_score" in added
    assert added["pool.keep_columns"] == ["score"]
    assert added["match.entry_spacing"] == "kana"
    assert added["screens.licenses"] == ["cc0"]
    assert not {"dedup.lid_fallback", "match.metadata"} & added.keys()
    assert not any(name.startswith(("balance.", "sample.", "draw.")) for name in added)
    assert not any(name.startswith("match.") for name in recorded("run", root, repeat__again_from="match"))
    assert recorded("run", root, repeat__again_from="extract") == {}


def test_an_option_that_changes_nothing_is_not_taken_from_an_older_run(tmp_path: Path) -> None:
    folder = RunFolder(str(tmp_path / "run"))
    folder.begin("dedup", {"lid_fallback": "none", "min_lid_score": 0.4}, "")
    added = recorded("run", folder.root, repeat__again_from="match")
    assert added["dedup.lid_fallback"] == "none"
    assert "dedup.min_lid_score" not in added


def test_count_takes_the_options_of_match(root: str) -> None:
    added = {
        "match.languages": ["en", "de"],
        "match.entry_spacing": "kana",
        "match.normalize": "nfc",
        "match.metadata": "/lists",
    }
    assert recorded("count", root) == added
    del added["match.metadata"]
    assert recorded("count", root, match__metadata="/copied") == added


def test_a_new_folder_has_recorded_nothing(tmp_path: Path) -> None:
    for command in ("run", "extract", "match", "count", "balance", "sample"):
        assert recorded(command, str(tmp_path / "new")) == {}
        values: dict[str, Any] = {}
        add_recorded(command, values)
        assert values == {}
    assert not (tmp_path / "new").exists()


def test_threshold_takes_the_number_of_texts_of_the_recipe(root: str) -> None:
    values: dict[str, Any] = {"source.run": root}
    add_recorded_draw(values)
    assert values == {"source.run": root, "draw.texts_per_image": "one"}
    values = {"source.run": root, "draw.texts_per_image": "all"}
    add_recorded_draw(values)
    assert values["draw.texts_per_image"] == "all"


def test_a_recipe_is_compared_by_the_options_that_it_stands_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made_run.write_run(tmp_path / "run", made_run.matched_rows(images=20, seed=1), t=20)
    command = ["balance", "--output", str(tmp_path / "run"), "--recipe", "metaclip2"]
    assert main(command) == 2
    assert "--t 20, and the command says 170000" in capsys.readouterr().err
    assert main([*command, "--t", "20"]) == 2
    assert "--texts-per-image all, and the command says one" in capsys.readouterr().err
    assert main([*command, "--t", "20", "--texts-per-image", "all"]) == 0
    assert "recipe: metaclip2, but for t 20, texts per image all" in capsys.readouterr().out
