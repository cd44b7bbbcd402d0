"""Open, distributed, reproducible curation of image-text data for CLIP training.

`curate_small` curates an Arrow table without Spark, `curate` a Spark DataFrame, and `Pipeline` a run folder.
docs/python.md shows all three. Single steps without Spark are in `extract`, `language`, `matching` and `balance`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from metaclip_curate.notebook.frame import CuratedFrame, curate
    from metaclip_curate.notebook.options import CurateOptions
    from metaclip_curate.notebook.small import CuratedTable, curate_small
    from metaclip_curate.pipelines.curation import Pipeline
    from metaclip_curate.pipelines.options import Options

__version__ = "0.1.0"
__all__ = ["CurateOptions", "CuratedFrame", "CuratedTable", "Options", "Pipeline", "curate", "curate_small"]

# Imported when they are used, so that what needs no Spark is imported without it.
_MODULES = {
    "CurateOptions": "notebook.options",
    "CuratedFrame": "notebook.frame",
    "CuratedTable": "notebook.small",
    "Options": "pipelines.options",
    "Pipeline": "pipelines.curation",
    "curate": "notebook.frame",
    "curate_small": "notebook.small",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
