"""report.html: one file that loads nothing from outside.

Everything from the web is escaped: in the page by Jinja's autoescape, and in the data for page.js by JSON that has no
`<`. page.js inserts texts, never markup. A content security policy allows no requests, and no scripts but the page's
own, by their digests. URLs aren't linked, since nobody has checked where they lead.
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

from metaclip_curate.console.text_table import number, share
from metaclip_curate.report import charts as forms
from metaclip_curate.report import scopes, slider
from metaclip_curate.report.chart_height import chart_height
from metaclip_curate.report.facts import Facts
from metaclip_curate.report.figures import EXTENSIONS
from metaclip_curate.report.hint import thinning_hint
from metaclip_curate.report.terms import TERMS
from metaclip_curate.report.theme import theme

_ASSETS = "assets"
# The funnel's steps that the head of the page shows.
_KEY_STEPS = ("image_links", "pairs", "manifest_before", "matched", "kept")


def render(facts: Facts, drawing: str) -> bytes:
    """Renders the page.

    Args:
        facts: What the page shows.
        drawing: Script from `figures.script`; without it the page has no charts.

    Returns:
        HTML in UTF-8, which depends on the arguments only.
    """
    script = _asset("page.js")
    data = _data(facts)
    charts = forms.all_charts(facts.curation.position_name if facts.curation else "")
    page = (
        _environment()
        .get_template("page.html")
        .render(
            facts=facts,
            charts={chart.name: chart for chart in charts},
            heights={chart.name: chart_height(chart, data["fixed"].get(chart.name)) for chart in charts},
            data=Markup(_json(data)),
            style=Markup(_asset("page.css")),
            script=Markup(script),
            drawing=Markup(drawing),
            policy=_policy(script, drawing),
            fingerprint_mark=Markup(fingerprint_mark(facts.fingerprint)),
            key_steps=[step for step in facts.funnel.steps if step.key in _KEY_STEPS],
            hint=thinning_hint(facts.curation) if facts.curation else None,
            names={language.lang: language.name for language in facts.languages},
            entry_characters=slider.ENTRY_CHARACTERS,
            terms=TERMS,
            extensions=EXTENSIONS if drawing else (),
        )
    )
    return page.encode()


def fingerprint_mark(fingerprint: str) -> str:
    """Returns the element near the beginning of a page that names the tables that it was made from."""
    return f'<meta name="made-from" content="{fingerprint}">'


def _data(facts: Facts) -> dict[str, Any]:
    """Returns what page.js draws and lists."""
    curation = facts.curation
    charts = forms.all_charts(curation.position_name if curation else "")
    return {
        "themes": {"light": theme(dark=False), "dark": theme(dark=True)},
        "charts": {chart.name: chart.spec for chart in charts},
        "stops": slider.stops(curation) if curation else None,
        "scopes": {name: slider.scope(curation, name) for name in scopes.scopes(facts)} if curation else {},
        "fixed": scopes.fixed(facts),
        "names": {language.lang: language.name for language in facts.languages},
        "texts": [
            {
                "lang": each.entry.lang,
                "entry": each.entry.entry[: slider.ENTRY_CHARACTERS],
                "texts": [each.kept, each.dropped],
            }
            for each in (curation.texts if curation else ())
        ],
    }


def _json(value: Any) -> str:
    """Returns JSON that is safe inside a script element: no `<` can end it or open a comment."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def _policy(*scripts: str) -> str:
    allowed = [f"'sha256-{_digest(script)}'" for script in scripts if script]
    # Vega compiles the expressions in a chart's specification.
    allowed += ["'unsafe-eval'"] if scripts[-1] else []
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(allowed)}",
            "style-src 'unsafe-inline'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


@cache
def _asset(name: str) -> str:
    return resources.files(__package__).joinpath(_ASSETS, name).read_text(encoding="utf-8")


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(str(__package__), _ASSETS),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"number": number, "round_number": _round_number, "share": share, "short": _short}
    return environment


def _round_number(value: float) -> str:
    """Returns a number with commas; of an expectation below 10,000, with one decimal."""
    return number(round(value)) if isinstance(value, int) or abs(value) >= 10_000 else number(value)


def _short(text: str, characters: int) -> str:
    return text if len(text) <= characters else text[: characters - 1] + "…"
