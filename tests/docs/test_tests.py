"""Every test asserts something, itself or by a helper of its module that does."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

# Calls that assert: of pytest, of helpers named after what they do, and of functions that raise or return nothing.
_ASSERTING = ("raises", "fail", "warns", "assert_", "check", "expect_", "require_")


@pytest.mark.slow
def test_every_test_asserts_something() -> None:
    found = [*_tests(ROOT / "tests")]
    assert len(found) > 1000
    assert [name for name, asserts in found if not asserts] == []


def _tests(folder: Path) -> Iterator[tuple[str, bool]]:
    for path in sorted(folder.rglob("test_*.py")):
        functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
        helpers = {function.name for function in functions if _has(function, ast.Assert)}
        for function in functions:
            if function.name.startswith("test_"):
                called = {_name(node) for node in ast.walk(function) if isinstance(node, ast.Call)}
                asserts = function.name in helpers or bool(called & helpers)
                yield f"{path}::{function.name}", asserts or any(name.startswith(_ASSERTING) for name in called)


def _has(function: ast.FunctionDef, kind: type[ast.AST]) -> bool:
    return any(isinstance(node, kind) for node in ast.walk(function))


def _name(call: ast.Call) -> str:
    return getattr(call.func, "attr", "") or getattr(call.func, "id", "")
