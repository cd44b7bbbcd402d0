"""All charts of a report: those of the balance, and of pairs, hosts and languages."""

from __future__ import annotations

from collections.abc import Iterable

from metaclip_curate.report.balance_charts import balance_charts
from metaclip_curate.report.chart import Chart
from metaclip_curate.report.encodings import NAMES, NUMBER, Spec, axis, colour, points, tip
from metaclip_curate.report.theme import AFTER, BEFORE

_ROW = 22


def all_charts(position_name: str) -> tuple[Chart, ...]:
    """Returns the charts of a report.

    Args:
        position_name: Title of the x axis of the kept pairs: `t of English`, `t` or `tail share`.
    """
    return (*balance_charts(position_name), *_of_all())


def _of_all() -> Iterable[Chart]:
    share = {"format": "~%", "title": "share of the pairs", "tickCount": 5}
    for name, title, caption, unit, x in (
        (
            "language-id-scores",
            "Language-ID scores",
            "Probability that the language-ID model assigns to its label, in steps of 0.05.",
            "score",
            {"scale": {"domain": [0, 1]}, "axis": {"title": "score", "format": ".1f"}},
        ),
        (
            "text-lengths",
            "Text lengths",
            "Number of characters, in bins each of which is twice as wide as the one before.",
            "characters",
            {"scale": {"type": "log", "base": 2}, "axis": {"title": "characters", "format": ",d", "grid": False}},
        ),
    ):
        yield Chart(
            name,
            title,
            caption,
            {
                "height": 200,
                "data": {"name": "rows"},
                "layer": [
                    {"mark": {"type": "line", "interpolate": "step-after"}},
                    points(tip("x", "from", ",~r"), tip("y", "share", ".2%"), tip("series", "of")),
                ],
                "encoding": {
                    "x": {"field": "x", "type": "quantitative", **x},
                    "y": {"field": "y", "type": "quantitative", "axis": share},
                    "color": colour([BEFORE, AFTER]),
                },
            },
            x=unit,
        )
    yield _bars("languages", "The largest languages", "Their shares of the matched and of the kept pairs.", "language")
    yield _bars(
        "top-hosts",
        "The largest hosts",
        "Their shares of the distinct and of the kept pairs.",
        "host",
    )
    yield _bars(
        "funnel", "Funnel", "From image links to the pairs in the manifest.", "step", numbers=axis("number", NUMBER)
    )


def _bars(name: str, title: str, caption: str, x: str, numbers: Spec | None = None) -> Chart:
    """Returns a chart of horizontal bars, those of several series below each other."""
    return Chart(
        name,
        title,
        caption,
        {
            "height": {"step": _ROW / 2},
            "data": {"name": "rows"},
            "mark": {"type": "bar"},
            "encoding": {
                "y": {
                    "field": "x",
                    "type": "nominal",
                    "sort": None,
                    "axis": NAMES,
                },
                "yOffset": {"field": "series", "sort": None},
                "x": {
                    "field": "y",
                    "type": "quantitative",
                    "axis": numbers or {"format": "~%", "title": "share of the pairs", "tickCount": 6},
                },
                "color": colour([BEFORE, AFTER], symbol="square") | ({} if numbers is None else {"legend": None}),
                "tooltip": [tip("x", "of"), tip("series", "in"), tip("y", "share", ".2%" if numbers is None else ",d")],
            },
        },
        x=x,
    )
