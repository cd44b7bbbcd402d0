"""The option `--recipe`: a paper's options by one name. Those that are given themselves take precedence."""

from __future__ import annotations

from collections.abc import Collection, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Literal

from metaclip_curate.options.fields import option

RecipeName = Literal["metaclip1", "metaclip2"]

# Options by recipe and group. "Demystifying CLIP Data" (arXiv 2309.16671), section 3; "Meta CLIP 2" (arXiv 2507.22062),
# section 3.
RECIPES: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "metaclip1": {
        "match": {"entry_spacing": "metaclip1"},
        "balance": {"t": 20_000},
        "draw": {"texts_per_image": "all"},
    },
    "metaclip2": {
        "match": {"entry_spacing": "metaclip2"},
        "balance": {"t": 170_000},
        "draw": {"texts_per_image": "one"},
    },
}
# With one of these, thresholds don't follow from a recipe's t.
_INSTEAD_OF_T = ("tail_share", "same_t")
# The groups of options on which a stage's table depends and of which recipes have options.
_GROUPS_OF_STAGE = {"match": ("match",), "balance": ("balance", "draw"), "sample": ("draw",)}
RECIPE_STAGES = tuple(_GROUPS_OF_STAGE)


@dataclass(frozen=True)
class RecipeOptions:
    """A recipe.

    Attributes:
        overridden: Given options that differ from the recipe's, by group and field.
    """

    recipe: RecipeName | None = option(
        None,
        "options of a paper: metaclip1 is --entry-spacing metaclip1 --t 20000 --texts-per-image all, metaclip2 is "
        "--entry-spacing metaclip2 --t 170000 --texts-per-image one; an option that is given takes precedence, and "
        "--tail-share or --same-t takes the place of the recipe's t (default: the recipe in run.json, if it has one)",
        changes_output=False,
    )
    overridden: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def overridden_in(self, stage: str) -> dict[str, Any]:
        """Returns the given options of a stage that differ from the recipe's, by field."""
        groups = _GROUPS_OF_STAGE.get(stage, ())
        return {name: value for group in groups for name, value in self.overridden.get(group, {}).items()}


def apply_recipe(given: MutableMapping[str, Any], groups: Collection[str]) -> None:
    """Adds the options of a recipe to those that were given.

    Args:
        given: Values by group and field, such as `balance.t`, of the options that were given. The recipe's options of
            the command's groups are added, and `recipe.overridden`.
        groups: Groups of options that the command takes.
    """
    name = given.get("recipe.recipe")
    if name is None:
        return
    overridden: dict[str, dict[str, Any]] = {}
    for group, options in RECIPES[name].items():
        if group not in groups:
            continue
        for item, value in options.items():
            instead = {each: given[f"{group}.{each}"] for each in _INSTEAD_OF_T if given.get(f"{group}.{each}")}
            if item == "t" and instead:
                overridden.setdefault(group, {}).update(instead)
            elif given.setdefault(f"{group}.{item}", value) != value:
                overridden.setdefault(group, {})[item] = given[f"{group}.{item}"]
    given["recipe.overridden"] = overridden


def recipe_words(name: str, overridden: Mapping[str, Any]) -> str:
    """Returns a recipe and what takes precedence over it, such as `metaclip2, but for t 20`."""
    others = ", ".join(f"{each.replace('_', ' ')} {_words(value)}" for each, value in overridden.items())
    return f"{name}, but for {others}" if others else name


def _words(value: Any) -> str:
    return f"{value:,}" if type(value) is int else str(value).lower()
