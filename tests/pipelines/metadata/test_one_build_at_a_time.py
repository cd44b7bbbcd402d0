"""Only one build or import at a time writes a metadata folder, and none loses what another one finished."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from metaclip_curate import storage
from metaclip_curate.cli import main
from metaclip_curate.errors import JobFailedError, UserError
from metaclip_curate.metadata.lists.folder import MetadataFolder
from metaclip_curate.options.build_metadata import BuildOptions
from metaclip_curate.options.merge_metadata import MergeOptions
from metaclip_curate.options.ngrams import NgramOptions
from metaclip_curate.options.page_views import PageViewOptions, ViewRule
from metaclip_curate.pipelines.metadata.build import MetadataBuild
from metaclip_curate.pipelines.metadata.build_list import BuildSettings
from metaclip_curate.pipelines.metadata.build_sources import compared_rules
from metaclip_curate.pipelines.metadata.finished_stages import FinishedStages
from metaclip_curate.pipelines.metadata.steps import BuildSteps
from metaclip_curate.run.owner import RunOwner
from metaclip_curate.storage import StorageOptions

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

STORAGE = StorageOptions()


def no_session() -> SparkSession:
    raise AssertionError("numbers and wordnets need no Spark")


@pytest.fixture
def build(tmp_path: Path) -> Callable[[str], MetadataBuild]:
    """Makes a build of numbers and names in the folder `m`."""
    (tmp_path / "sources").mkdir()
    for code, name in (("fra", "chat"), ("ita", "gatto")):
        (tmp_path / "sources" / f"wn-data-{code}.tab").write_text(f"# x\n1-n\tlemma\t{name}\n", encoding="utf-8")

    def make(language: str) -> MetadataBuild:
        paths = (str(tmp_path / "sources"),), str(tmp_path / "m")
        options = BuildOptions((language,), *paths, None, ("ngrams", "titles"))
        settings = BuildSettings(options, MergeOptions(), NgramOptions(), STORAGE)
        return MetadataBuild(settings, no_session, lambda line: None)

    return make


def test_a_second_build_is_refused_and_changes_nothing(build: Callable[[str], MetadataBuild], tmp_path: Path) -> None:
    first = RunOwner(str(tmp_path / "m"), STORAGE, "a build")
    with first.working():
        first.require()
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(UserError, match=r"m is being written by process .*: wait until it has ended"):
            build("fr").run()
        assert sorted(tmp_path.rglob("*")) == before
    build("fr").run()
    assert [path.name for path in (tmp_path / "m").glob("*owner*")] == []


def test_an_import_is_refused_while_a_build_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "words.txt").write_text("chat\n")
    owner = RunOwner(str(tmp_path / "m"), STORAGE, "a build")
    command = ["metadata", "import", str(tmp_path / "words.txt"), "--language", "fr", "--output", str(tmp_path / "m")]
    with owner.working():
        owner.require()
        assert main(command) == 2
    assert "is being written by process" in capsys.readouterr().err
    assert main(command) == 0


def test_what_another_build_finished_in_the_meantime_stays(
    build: Callable[[str], MetadataBuild], tmp_path: Path
) -> None:
    french, italian = build("fr"), build("it")
    french.run()
    italian.run()
    steps = json.loads((tmp_path / "m" / "stages" / "build.json").read_text())["steps"]
    assert sorted(steps) == ["merge/fr", "merge/it", "wordnet/fr", "wordnet/it"]
    assert MetadataFolder.open(tmp_path / "m").languages == ["fr", "it"]


def test_a_build_that_lost_its_folder_saves_nothing_more(
    build: Callable[[str], MetadataBuild], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = storage.write_bytes

    def lose(url: str, data: bytes, options: StorageOptions) -> None:
        for token in (tmp_path / "m").glob("run.owner-*"):
            token.unlink()
        write(url, data, options)

    monkeypatch.setattr(storage, "write_bytes", lose)
    with pytest.raises(JobFailedError, match="saves nothing more"):
        build("fr").run()
    assert not (tmp_path / "m" / "fr.txt.zst").exists()


def test_the_token_is_no_list(tmp_path: Path) -> None:
    (tmp_path / "fr.txt").write_text("chat\n")
    owner = RunOwner(str(tmp_path), STORAGE)
    with owner.working():
        owner.require()
        assert MetadataFolder.open(tmp_path).languages == ["fr"]


def test_each_build_writes_the_data_of_a_step_to_a_folder_of_its_own(tmp_path: Path) -> None:
    steps = BuildSteps(str(tmp_path), STORAGE, print)
    first = Path(steps.new_folder("titles"))
    first.mkdir(parents=True)
    second = steps.new_folder("titles")
    assert not first.exists()
    first.mkdir(parents=True)  # a build that was taken for dead goes on
    (first / "part.parquet").touch()
    steps.finish("titles", {}, [], second, {"files": []})
    assert steps.data("titles") == second != str(first)
    # Earlier versions wrote to the folder of the step itself.
    steps.record.finish("titles", {}, [], {"files": []})
    assert Path(steps.data("titles")) == first.parent


def test_only_folders_that_a_build_recorded_are_deleted(tmp_path: Path) -> None:
    mine = tmp_path / "stages" / "titles" / "0123abcd" / "part-00000.parquet"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    first = Path(BuildSteps(str(tmp_path), STORAGE, print).new_folder("titles"))
    first.mkdir()
    steps = BuildSteps(str(tmp_path), STORAGE, print)  # the build died
    second = Path(steps.new_folder("titles"))
    second.mkdir()
    steps.finish("titles", {}, [], str(second), {})
    assert sorted(path.name for path in mine.parent.parent.iterdir()) == sorted([mine.parent.name, second.name])
    again = BuildSteps(str(tmp_path), STORAGE, print)
    again.record.forget("titles")
    third = again.new_folder("titles")
    assert [path.name for path in mine.parent.parent.iterdir()] == [mine.parent.name]
    assert BuildSteps(str(tmp_path), STORAGE, print).record.folders("titles") == (Path(third).name,)


def test_a_merge_refuses_titles_that_were_counted_otherwise(tmp_path: Path) -> None:
    def merge(**given: Any) -> MetadataBuild:
        options = BuildOptions(("ja",), (), str(tmp_path), "merge", ("ngrams", "wordnet"))
        settings = BuildSettings(options, MergeOptions(), NgramOptions(), STORAGE, PageViewOptions(**given))
        return MetadataBuild(settings, no_session, lambda line: None)

    rules = compared_rules({"en": ViewRule("desktop", 50), "ja": ViewRule(), "fr": ViewRule()})
    BuildSteps(str(tmp_path), STORAGE, print).record.finish("titles", rules, [], {"files": [], "used_of": {}})
    assert merge().run()["ja"]["entries"] == 100
    with pytest.raises(UserError, match="counted with --titles-sites desktop for en, all for the others, and these"):
        merge(titles_sites="desktop").run()


def test_a_wordnet_that_is_missing_and_a_broken_file_of_page_views_are_warnings(tmp_path: Path) -> None:
    steps = BuildSteps(str(tmp_path), STORAGE, print)
    for language in ("fr", "sw"):
        steps.record.finish(f"wordnet/{language}", {}, [], {"warnings": [], "missing": "no file"})
    broken = {"file": "x.gz", "status": "partial", "error": "its end is missing", "lines": 7}
    steps.record.finish("titles", {}, [], {"files": [broken, {"status": "ok"}]})
    warnings = [
        FinishedStages(steps, ("wordnet", "titles"), no_session, STORAGE).source_warnings(language)
        for language in ("fr", "sw")
    ]
    broken_off = "titles: x.gz breaks off (its end is missing): 7 lines before that count"
    assert warnings == [["wordnet: none was taken, no file", broken_off], [broken_off]]


def test_numbers_are_as_short_as_the_other_entries(tmp_path: Path) -> None:
    options = BuildOptions(("ja",), (str(tmp_path),), str(tmp_path / "m"), "merge", ("ngrams", "wordnet", "titles"))
    settings = BuildSettings(options, MergeOptions(numbers=200, max_entry_length=2), NgramOptions(), STORAGE)
    assert MetadataBuild(settings, no_session, print).run()["ja"]["entries"] == 100


@pytest.mark.parametrize("given", [{"titles_min_views": -1}, {"bigrams_min_pmi": float("nan")}])
def test_numbers_without_a_meaning(given: dict[str, float]) -> None:
    with pytest.raises(UserError, match="must be"):
        MergeOptions(**given)  # type: ignore[arg-type]
