"""Options that a run folder was made with: those that a command's differ from, and those of older versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from metaclip_curate.options.balance import BalanceOptions
from metaclip_curate.options.dedup import DedupOptions
from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.options.extract import ExtractOptions
from metaclip_curate.options.fields import flag, table_options
from metaclip_curate.options.match import MatchOptions
from metaclip_curate.options.pool import PoolOptions
from metaclip_curate.options.sample import SampleOptions
from metaclip_curate.options.screens import ScreenOptions

# Digests of the lists that screens look up, by what they are.
LIST_DIGESTS = "list_digests"
# Digests of the lists of entries, by language.
METADATA_DIGESTS = "metadata_digests"
_NAMED_LANGUAGES = 10
_OPTIONS: dict[str, tuple[type, ...]] = {
    "extract": (ExtractOptions, PoolOptions),
    "dedup": (DedupOptions,),
    "match": (MatchOptions, ScreenOptions),
    "count": (),
    "balance": (BalanceOptions,),
    "sample": (SampleOptions, DrawOptions),
}


def older_values(stage: str) -> dict[str, Any]:
    """Returns the values of a stage's options in runs that didn't record them: the defaults, by the fields' names."""
    return {name: value for options in _OPTIONS[stage] for name, value in table_options(options()).items()}


def effective(options: Mapping[str, Any]) -> dict[str, Any]:
    """Returns options without those that change nothing beside the others."""
    return {name: value for name, value in options.items() if name not in _idle(options)}


def _idle(options: Mapping[str, Any]) -> set[str]:
    without_effect = {
        "min_lid_score": options.get("lid_fallback") == "none",
        "t": options.get("tail_share") is not None,
    }
    return {name for name, is_idle in without_effect.items() if is_idle}


def changed_option(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Names the first option that differs, with both values.

    Args:
        before: Options that the folder was made with.
        now: Options of the command.

    Returns:
        Words for a message; empty if every option is as before.
    """
    # An option that has no effect on one side only is beside another one that differs, which is the one to name.
    compared = before.keys() - _idle(before) - _idle(now)
    changed = next((name for name in before if name in compared and now.get(name) != before[name]), None)
    return "" if changed is None else _difference(changed, before[changed], now.get(changed))


def _difference(name: str, before: Any, now: Any) -> str:
    """Names an option and its two values; of two maps, the first key that differs and its values."""
    if isinstance(before, dict) and isinstance(now, dict):
        if name == METADATA_DIGESTS:
            return f"other lists of metadata than the command's ({_other_lists(before, now)})"
        key = next(key for key in sorted({*before, *now}) if before.get(key) != now.get(key))
        if name == LIST_DIGESTS:
            return f"{key} with the digest {_shown(before.get(key))}, and the command says {_shown(now.get(key))}"
        return _difference(f"{name} of {key}", before.get(key), now.get(key))
    shown = name if " " in name else flag(name)
    if name.endswith("_digest"):  # of the file that an option names
        shown = f"a {flag(name.removesuffix('_digest'))} with the digest"
    return f"{shown} {_shown(before)}, and the command says {_shown(now)}"


def _other_lists(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Returns which lists were added, changed and removed since, such as `added: de; changed: en`."""
    languages = {
        "added": sorted(now.keys() - before.keys()),
        "changed": sorted(name for name in before.keys() & now.keys() if before[name] != now[name]),
        "removed": sorted(before.keys() - now.keys()),
    }
    return "; ".join(f"{what}: {_named(names)}" for what, names in languages.items() if names)


def _named(languages: list[str]) -> str:
    more = len(languages) - _NAMED_LANGUAGES
    return ", ".join(languages[:_NAMED_LANGUAGES]) + (f" and {more:,} more" if more > 0 else "")


def _shown(value: Any) -> str:
    if value is None or value == []:
        return "nothing"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
