"""The trainer's tests run in an environment of their own (`make test-trainer`); elsewhere they are left out."""

from __future__ import annotations

import importlib.util

import pytest

_NEEDED = ("torch", "webdataset", "img2dataset")
collect_ignore_glob = [] if all(map(importlib.util.find_spec, _NEEDED)) else ["*/test_*.py", "test_*.py"]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback is reached directly, whatever proxy the machine has."""
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
