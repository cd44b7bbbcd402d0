"""metaclip-curate browse: the pairs that were asked for, and only these."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from metaclip_curate.cli import main
from metaclip_curate.errors import UserError
from metaclip_curate.inspect.browse import browse
from metaclip_curate.options.browse import BrowseOptions
from tests.support import made_run
from tests.support.finished_runs import opened

Rows = list[dict[str, Any]]
Made = tuple[Path, dict[str, Rows]]


def shown(root: Path, **asked: Any) -> Rows:
    return browse(opened(root, "sample").folder, BrowseOptions(**asked))


def expected(rows: dict[str, Rows], language: str, entry_id: int | None, dropped: bool) -> set[str]:
    kept = {row["uid"] for row in rows["manifest"]}
    return {
        row["uid"]
        for row in rows["matched"]
        if row["metadata_lang"] == language
        and (entry_id is None or entry_id in row["entry_ids"])
        and (row["uid"] in kept) != dropped
    }


@pytest.mark.parametrize("dropped", [False, True])
@pytest.mark.parametrize(("language", "entry_id"), [("en", None), ("en", 0), ("de", 3), ("sw", None), ("sw", 4)])
def test_all_that_there_is(made: Made, language: str, entry_id: int | None, dropped: bool) -> None:
    entry = "" if entry_id is None else made_run.METADATA[language][entry_id]
    rows = shown(made[0], language=language, entry=entry, dropped=dropped, number=10_000)
    assert {row["uid"] for row in rows} == expected(made[1], language, entry_id, dropped)
    assert len({row["uid"] for row in rows}) == len(rows)
    for row in rows:
        assert (row["draw"] < row["keep_probability"]) != dropped
        assert not entry or entry in row["entries"]
    assert shown(made[0], language=language, entry=entry, dropped=dropped, number=10_000) == rows


@pytest.mark.parametrize("dropped", [False, True])
def test_without_a_language_pairs_of_any_are_shown(made: Made, dropped: bool) -> None:
    languages = {row["metadata_lang"] for row in made[1]["matched"]}
    of_each = {
        row["uid"]: row
        for language in languages
        for row in shown(made[0], language=language, dropped=dropped, number=10_000)
    }
    rows = shown(made[0], dropped=dropped, number=10_000)
    assert len(languages) > 2
    assert {row["uid"]: row for row in rows} == of_each
    assert shown(made[0], dropped=dropped, number=7) == rows[:7]


def test_an_entry_is_compared_as_texts_are(made: Made, tmp_path: Path) -> None:
    """With one kind of space and without soft hyphens, unless the run was made without that."""
    entry, look_alike = made_run.METADATA["de"][3], made_run.METADATA["de"][3].replace(" ", "\u00ad\u00a0")
    rows = shown(made[0], language="de", entry=look_alike, number=10_000)
    assert rows
    assert rows == shown(made[0], language="de", entry=entry, number=10_000)
    made_run.write_run(tmp_path / "run", made_run.matched_rows(images=50, seed=7), normalize="none")
    with pytest.raises(UserError, match="has no entry"):
        shown(tmp_path / "run", language="de", entry=look_alike)


def test_a_few_of_them_are_chosen_by_the_seed(made: Made) -> None:
    few = shown(made[0], language="en", number=5)
    assert len(few) == 5
    assert few == shown(made[0], language="en", number=6)[:5]
    assert few != shown(made[0], language="en", number=5, seed=1)


def test_what_is_printed_and_mistakes(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["browse", "--run", str(made[0]), "--language", "de", "-n", "2", "--dropped"]) == 0
    assert capsys.readouterr().out.endswith("2 dropped pairs\n")
    assert main(["browse", "--run", str(made[0]), "-n", "1"]) == 0
    assert capsys.readouterr().out.endswith("\n1 kept pair\n")
    assert main(["browse", "--run", str(made[0]), "--language", "de", "-n", "2", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 2
    for asked, message in [
        (["--language", "xx"], "has no matched text of the language xx: it has de, en, sw, th"),
        (["--language", "de", "--entry", "Katze"], "no entry 'Katze': case counts"),
        (["--entry", "cat"], "--entry cat needs --language"),
        (["--language", "de", "-n", "0"], "--number must be at least 1"),
    ]:
        assert main(["browse", "--run", str(made[0]), *asked]) == 2
        assert message in capsys.readouterr().err
