"""The notebook that ships runs from top to bottom."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.conftest import ROOT


@pytest.mark.slow
@pytest.mark.usefixtures("spark")  # which finds a Java, for the kernel as well
def test_the_notebook_runs() -> None:
    notebook: Any = nbformat.read(ROOT / "examples" / "curate_in_a_notebook.ipynb", as_version=4)  # type: ignore[no-untyped-call]
    assert not any(cell.get("outputs") for cell in notebook.cells)  # none are committed
    NotebookClient(notebook, timeout=240, resources={"metadata": {"path": ROOT / "examples"}}).execute()
    shown = [
        output["data"]["text/plain"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output["output_type"] == "execute_result"
    ]
    assert "kept in the manifest" in shown[1]
    assert int(shown[-1]) > 300
