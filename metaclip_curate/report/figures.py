"""Drawing charts by vl-convert: as PNG files without a browser, and the scripts that draw them in one."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from metaclip_curate.report.chart import Chart, Data, rows
from metaclip_curate.report.theme import theme

NO_CHARTS = "charts and figures/ need vl-convert-python: pip install 'metaclip-curate[report]'"
_VEGA_LITE = "6.4"
_WIDTH = 560
_SCALE = 3.0


def converter() -> ModuleType | None:
    """Returns the library vl_convert, or None if it isn't installed."""
    try:
        import vl_convert
    except ImportError:
        return None
    module: ModuleType = vl_convert
    return module


def script(library: ModuleType) -> str:
    """Returns Vega, Vega-Lite and Vega-Embed as one script without dependencies."""
    bundle: str = library.javascript_bundle(vl_version=_VEGA_LITE)
    return bundle


def png(library: ModuleType, chart: Chart, data: Data) -> bytes:
    """Draws a chart for print: 560 points wide, at 216 dots an inch, on white.

    Args:
        library: The library from `converter`.
        chart: The chart.
        data: The chart's data.

    Returns:
        A PNG file.
    """
    spec: dict[str, Any] = {
        **chart.spec,
        "width": _WIDTH,
        "datasets": rows(data),
        "config": theme(dark=False) | {"background": "white", "padding": 8, "font": "Liberation Sans, sans-serif"},
    }
    drawn: bytes = library.vegalite_to_png(spec, vl_version=_VEGA_LITE, scale=_SCALE)
    return drawn


def figures(library: ModuleType, charts: Mapping[str, tuple[Chart, Data]]) -> dict[str, bytes]:
    """Draws charts.

    Args:
        library: The library from `converter`.
        charts: Charts and their data by file name, without the extension.

    Returns:
        PNG files by name.
    """
    return {f"{name}.png": png(library, chart, data) for name, (chart, data) in charts.items()}
