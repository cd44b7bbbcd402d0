"""The options that --recipe stands for, and those that take precedence over it."""

from __future__ import annotations

from typing import Any

import pytest

from metaclip_curate.commands.program import make_parser
from metaclip_curate.errors import UserError
from metaclip_curate.options.command_line import to_arguments
from metaclip_curate.options.recipe import apply_recipe, recipe_words

PARSER = make_parser("metaclip-curate")
GROUPS = ("match", "balance", "draw")


def options_of(command: str, *arguments: str) -> dict[str, Any]:
    """The objects of options that a command gets."""
    parsed = PARSER.parse_args([command, "--output", "out", *arguments])
    return dict(parsed.command.given(parsed))


@pytest.mark.parametrize(
    ("arguments", "spacing", "t", "texts"),
    [
        ([], "metaclip2", 20_000, "all"),
        (["--recipe", "metaclip1"], "metaclip1", 20_000, "all"),
        (["--recipe", "metaclip2"], "metaclip2", 170_000, "one"),
        (["--recipe", "metaclip2", "--t", "20000"], "metaclip2", 20_000, "one"),
        (["--texts-per-image", "all", "--recipe", "metaclip2"], "metaclip2", 170_000, "all"),
        (["--recipe", "metaclip1", "--entry-spacing", "metaclip2"], "metaclip2", 20_000, "all"),
        (["--recipe", "metaclip2", "--tail-share", "0.06"], "metaclip2", 20_000, "one"),
        (["--recipe", "metaclip2", "--same-t"], "metaclip2", 20_000, "one"),
        (["--recipe", "metaclip2", "--same-t", "--t", "7"], "metaclip2", 7, "one"),
    ],
)
def test_a_given_option_takes_precedence_even_if_it_is_the_default(
    arguments: list[str], spacing: str, t: int, texts: str
) -> None:
    given = options_of("run", *arguments)
    assert (given["match"].entry_spacing, given["balance"].t, given["draw"].texts_per_image) == (spacing, t, texts)
    assert given["match"].normalize == "nfc"


def test_a_configuration_file_gives_options_and_the_recipe(tmp_path: Any) -> None:
    config = tmp_path / "run.toml"
    config.write_text('recipe = "metaclip2"\nt = 20000\nsame-t = false\n')
    given = options_of("run", "--config", str(config))
    assert (given["balance"].t, given["draw"].texts_per_image) == (20_000, "one")
    assert given["recipe"].overridden == {"balance": {"t": 20_000}}
    assert options_of("run", "--config", str(config), "--recipe", "metaclip1")["recipe"].overridden == {}


@pytest.mark.parametrize(
    ("given", "overridden"),
    [
        ({}, {}),
        ({"balance.t": 170_000, "draw.seed": 3, "match.normalize": "none"}, {}),
        ({"balance.t": 20_000}, {"balance": {"t": 20_000}}),
        ({"balance.tail_share": 0.06}, {"balance": {"tail_share": 0.06}}),
        ({"balance.same_t": True}, {"balance": {"same_t": True}}),
        (
            {"match.entry_spacing": "kana", "draw.texts_per_image": "all"},
            {"match": {"entry_spacing": "kana"}, "draw": {"texts_per_image": "all"}},
        ),
    ],
)
def test_what_takes_precedence_is_recorded(given: dict[str, Any], overridden: dict[str, Any]) -> None:
    values = given | {"recipe.recipe": "metaclip2"}
    apply_recipe(values, GROUPS)
    assert values["recipe.overridden"] == overridden


def test_a_stage_gets_only_its_own_options() -> None:
    assert options_of("match", "--recipe", "metaclip1")["match"].entry_spacing == "metaclip1"
    given = options_of("balance", "--recipe", "metaclip2", "--t", "5")
    assert (given["balance"].t, given["draw"].texts_per_image) == (5, "one")
    assert given["recipe"].overridden_in("balance") == {"t": 5}
    assert given["recipe"].overridden_in("sample") == {}
    assert options_of("sample", "--recipe", "metaclip2")["draw"].texts_per_image == "one"


@pytest.mark.parametrize("command", ["extract", "count"])
def test_stages_without_options_of_a_recipe_have_no_recipe(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        options_of(command, "--recipe", "metaclip2")
    assert "--recipe" in capsys.readouterr().err


def test_an_unknown_recipe_in_a_file_is_an_error(tmp_path: Any) -> None:
    config = tmp_path / "run.toml"
    config.write_text('recipe = "metaclip3"\n')
    with pytest.raises(UserError, match="recipe must be one of metaclip1, metaclip2, not 'metaclip3'"):
        options_of("run", "--config", str(config))


@pytest.mark.parametrize(
    "arguments", [[], ["--t", "20000"], ["--tail-share", "0.06"], ["--texts-per-image", "all", "--t", "170000"]]
)
def test_options_that_are_sent_to_a_job_are_the_same_there(arguments: list[str]) -> None:
    """Those with their default are left out, but not if they take precedence over the recipe."""
    given = options_of("balance", "--recipe", "metaclip2", *arguments)
    overridden = given["recipe"].overridden
    sent = [word for group in given for word in to_arguments(given[group], overridden.get(group, ()))]
    parsed = PARSER.parse_args(["balance", *sent])
    assert parsed.command.given(parsed) == given


def test_words() -> None:
    assert recipe_words("metaclip2", {}) == "metaclip2"
    others = {"t": 20_000, "same_t": True, "texts_per_image": "all"}
    assert recipe_words("metaclip2", others) == "metaclip2, but for t 20,000, same t true, texts per image all"
