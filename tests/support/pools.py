"""A pool for tests, and what the oracle makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.support import oracle, runs

Rows = list[dict[str, Any]]
TEXTS, ID, KEPT = ("caption", "alt"), "id", ("score", "tags")
OPTIONS: dict[str, Any] = {"text_column": TEXTS, "id_column": ID, "keep_columns": KEPT}


def pool_rows(wats: Sequence[Path], most: int = 600) -> Rows:
    """Texts of crawls as a pool has them: a row may have two texts, repeat, or have no usable URL or text."""
    texts = list(dict.fromkeys(row["text"] for wat in wats for row in oracle.read_wat(wat)[0]))[:most]
    rows: Rows = [
        {
            "url": f"https://h{number // 2 % 5}.pool.example/{number // 2}.jpg",
            "caption": text,
            "alt": [texts[-number], " "] if number % 5 == 4 else None,
            "id": f"{number:04}",
            "score": number / 8,
            "tags": [f"tag {number % 3}"] if number % 2 else None,
        }
        for number, text in enumerate(texts)
    ]
    rows += [{**row, "id": f"again {row['id']}"} for row in rows[::7]]
    return [*rows, {**rows[0], "url": "ftp://pool.example/"}, {**rows[0], "url": None}, {**rows[1], "caption": "\n"}]


def expected_tables(rows: Rows, metadata: dict[str, list[str]], **given: Any) -> dict[str, Rows]:
    """What the oracle makes of the rows."""
    pairs, account = oracle.read_pool(rows, "", texts=TEXTS, source_id=ID, keep=KEPT)
    return runs.tables_of(pairs, [account], metadata, **given)
