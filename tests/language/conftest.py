"""The model and the table that ship."""

from __future__ import annotations

import pytest

from metaclip_curate.language import LanguageIdentifier, LanguageTable, load_language_table


@pytest.fixture(scope="session")
def identifier() -> LanguageIdentifier:
    return LanguageIdentifier()


@pytest.fixture(scope="session")
def table() -> LanguageTable:
    return load_language_table()
