"""Colours and fonts of the charts, light and dark, for the page and the PNG files."""

from __future__ import annotations

from typing import Any

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', sans-serif"
# Each has a contrast of at least 3 to both backgrounds. Series don't differ in hue alone: lines differ in dashes, and
# bars in position.
BEFORE, AFTER, FIRST, SECOND, THIRD = "#7a808c", "#d0561b", "#4593dd", "#1c72c4", "#8466c9"


def theme(dark: bool) -> dict[str, Any]:
    """Returns the Vega-Lite configuration."""
    ink, soft, grid = ("#e6e8eb", "#a4abb6", "#2c313a") if dark else ("#1d2129", "#5a616d", "#e5e7eb")
    return {
        "background": "transparent" if dark else "#ffffff00",
        "font": FONT,
        "view": {"stroke": None},
        "padding": {"left": 2, "right": 6, "top": 4, "bottom": 2},
        "range": {"category": [BEFORE, AFTER, FIRST, SECOND, THIRD]},
        "axis": {
            "labelColor": soft,
            "titleColor": soft,
            "labelFontSize": 11,
            "titleFontSize": 11,
            "titleFontWeight": "normal",
            "titlePadding": 8,
            "gridColor": grid,
            "domainColor": grid,
            "tickColor": grid,
            "labelOverlap": True,
        },
        "legend": {
            "orient": "top",
            "title": None,
            "columns": 3,
            "labelColor": ink,
            "labelFontSize": 11,
            "labelLimit": 220,
            "symbolType": "stroke",
            "symbolStrokeWidth": 3,
            "symbolSize": 260,
            "offset": 6,
        },
        "line": {"strokeWidth": 2},
        "rule": {"color": ink, "strokeDash": [2, 3]},
        "text": {"color": ink, "fontSize": 11},
    }
