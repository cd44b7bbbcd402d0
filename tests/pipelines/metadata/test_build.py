"""Whole builds: from small sources to lists, and what is done again when."""

from __future__ import annotations

import bz2
import gzip
import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from metaclip_curate.cli import main
from metaclip_curate.errors import UserError
from metaclip_curate.metadata.lists.folder import MetadataFolder
from metaclip_curate.metadata.lists.show import show_lists
from metaclip_curate.metadata.lists.writer import list_bytes
from metaclip_curate.options.build_metadata import BuildOptions
from metaclip_curate.options.merge_metadata import MergeOptions
from metaclip_curate.options.ngrams import NgramOptions
from metaclip_curate.options.page_views import PageViewOptions
from metaclip_curate.pipelines.metadata.build import MetadataBuild
from metaclip_curate.pipelines.metadata.build_list import BuildSettings
from metaclip_curate.storage import StorageOptions
from tests.support.servers.s3 import S3Server

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_GROUPS: dict[str, Any] = {
    "build": BuildOptions,
    "merge": MergeOptions,
    "ngrams": NgramOptions,
    "page_views": PageViewOptions,
}
# Eleven different words; the most frequent are la (4), chat, maison (3), Eiffel and tour (2).
_TEXT = "la maison, la maison rouge. La maison du chat; le chat noir, la tour Eiffel, la tour Eiffel, chat 7 ..."
_TAB = "# WOLF\tfra\thttp://x\tCeCILL-C\n1-n\tfra:lemma\tchat\n1-n\tfra:lemma\tchat_noir\n2-n\tfra:lemma\t7\n"
_VIEWS = b"fr Tour_Eiffel 9 0\nfr.m Tour_Eiffel 3 0\nfr chat_noir 8 0\nfr Paris 7 0\nfr Rare 1 0\nfr ! 99 0\nfr x 3\n"


Built = tuple[dict[str, Any], list[str]]


def write_sources(folder: Path) -> None:
    folder.mkdir()
    (folder / "frwiki-20250101.jsonl").write_text(json.dumps({"text": _TEXT}) + "\n", encoding="utf-8")
    (folder / "wn-data-fra.tab").write_text(_TAB, encoding="utf-8")
    (folder / "pageviews-20250101-000000.gz").write_bytes(gzip.compress(_VIEWS, mtime=0))


def run_build(spark: SparkSession, root: Path, **given: Any) -> Built:
    fixed: dict[str, dict[str, Any]] = {
        "build": {"languages": ("fr",), "sources": (str(root / "sources"),), "output": str(root / "m")},
        "merge": {"unigrams_share": 0.3, "titles_share": 0.5},
    }
    groups = {}
    for name, group in _GROUPS.items():
        mine = {key: value for key, value in given.items() if key in group.__dataclass_fields__}
        groups[name] = group(**{**fixed.get(name, {}), **mine})
    logged: list[str] = []
    settings = BuildSettings(**groups, storage=StorageOptions())
    return MetadataBuild(settings, lambda: spark, logged.append).run(), logged


@pytest.fixture(scope="module")
def first_build(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Built]:
    """Sources and what was built of them, once."""
    root = tmp_path_factory.mktemp("first")
    write_sources(root / "sources")
    return root, run_build(spark, root)


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """Sources of which nothing is built."""
    write_sources(tmp_path / "sources")
    return tmp_path / "sources"


@pytest.fixture
def built_sources(first_build: tuple[Path, Built], tmp_path: Path) -> Path:
    """Sources with what was built of them beside, in another place than where it was."""
    shutil.copytree(first_build[0], tmp_path, dirs_exist_ok=True)
    return tmp_path / "sources"


@pytest.fixture
def build(spark: SparkSession, tmp_path: Path) -> Callable[..., Built]:
    return partial(run_build, spark, tmp_path)


def contents(folder: Path) -> dict[str, bytes]:
    files = [*folder.glob("*.*"), *(folder / "entries").iterdir()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files if path.is_file()}


def steps(logged: list[str], how: str) -> list[str]:
    return [line.partition(":")[0] for line in logged if how in line]


def test_a_list_and_where_it_is_from(first_build: tuple[Path, Built], built_sources: Path, tmp_path: Path) -> None:
    root, (built, logged) = first_build
    entries = MetadataFolder.open(tmp_path / "m").entries("fr")
    assert entries[:100] == [str(number) for number in range(100)]
    # 7 is a number before it is a name. 4 of 11 words may be added; chat is a name already, and tour moves up.
    rows = pq.read_table(tmp_path / "m" / "entries" / "fr.parquet").to_pylist()
    assert [row["entry"] for row in rows] == entries
    found = {
        source: [row["entry"] for row in rows if row["source"] == source]
        for source in dict.fromkeys(row["source"] for row in rows)
    }
    assert found["wordnet"] == ["chat", "chat noir"]
    assert found["unigrams"] == ["la", "maison", "Eiffel", "tour"]
    # 40 % of 4, and as frequent as tour: the pairs that occur once have a higher PMI.
    assert found["bigrams"] == ["tour Eiffel"]
    # Two of four, and chat noir is a name already.
    assert found["titles"] == ["Tour Eiffel", "Paris"]
    assert {row["wikipedia"] for row in rows} == {"", "fr"}
    assert {row["entry"]: row["also_in"] for row in rows}["chat noir"] == ["titles"]
    assert {row["entry"]: row["score"] for row in rows}["Tour Eiffel"] == 12
    assert "titles: pageviews-20250101-000000.gz: 1 of 7 lines malformed" in logged
    document = json.loads((tmp_path / "m" / "sources.json").read_text())
    section = document["languages"]["fr"]
    assert section == built["fr"]
    assert sum(source["entries"] for source in section["sources"]) == len(entries) == section["entries"]
    assert section["wikipedias"] == ["fr"]
    numbers = {source["name"]: source for source in section["sources"]}
    keys = ("candidates", "limit", "taken", "repeats", "last", "last_score")
    assert [numbers["unigrams"][key] for key in keys] == [11, 4, 4, 1, "tour", 2]
    assert [numbers["bigrams"][key] for key in keys[:-1]] == [3, 1, 1, 0, "tour Eiffel"]
    assert numbers["bigrams"]["lowest_count"] == 2
    assert "merge/fr: unigrams: 11 candidates, limit 4, 4 taken, the last 'tour' with count 2" in logged
    (warning,) = section["warnings"]
    assert warning.startswith("the list has only 109 entries (numbers 100, wordnet 2, unigrams 4, bigrams 1, titles 2)")
    assert section["sha256"] == MetadataFolder.open(tmp_path / "m").digest("fr")
    assert section["files"]["wordnet"]["licences"] == ["CeCILL-C"]
    assert section["files"]["wikipedia"]["dates"] == ["20250101"]
    page_views = document["pageviews"][section["pageviews"]]
    assert page_views["used_of"] == {"fr": 6}
    views = page_views["files"]
    assert [(each["file"], each["lines"], each["malformed"]) for each in views] == [
        ("pageviews-20250101-000000.gz", 7, 1)
    ]
    assert str(root) not in json.dumps(document)
    shown = show_lists(MetadataFolder.open(tmp_path / "m"), [], 2)[0]
    assert {each.name: each.entries for each in shown.sources} == {
        source["name"]: source["entries"] for source in section["sources"]
    }
    of_titles = next(each for each in shown.sources if each.name == "titles")
    assert (of_titles.best, of_titles.least, of_titles.examples) == (12, 7, ["Tour Eiffel", "Paris"])
    assert (of_titles.candidates, of_titles.limit, of_titles.last) == (4, 2, "Paris")
    assert (shown.warnings, shown.paper) == ([warning], {})
    of_names = next(each for each in shown.sources if each.name == "wordnet")
    assert of_names.also_in == {"unigrams": 1, "titles": 1}
    (tmp_path / "m" / "fr.txt.zst").write_bytes(list_bytes(["another"], "txt.zst"))
    with pytest.raises(UserError, match="which has other entries"):
        show_lists(MetadataFolder.open(tmp_path / "m"), ["fr"], 2)


def test_what_is_finished_is_kept_and_what_changed_is_done_again(
    build: Any, built_sources: Path, tmp_path: Path
) -> None:
    before = contents(tmp_path / "m")
    _, logged = build()
    assert steps(logged, "finished before") == ["wordnet/fr", "ngrams/fr", "titles", "merge/fr"]
    assert contents(tmp_path / "m") == before
    _, logged = build(titles_most=1)
    assert steps(logged, "done again") == ["merge/fr"]
    assert "merge/fr: --titles-most was not given and is 1, done again" in logged
    (built_sources / "wn-data-fra.tab").write_text(_TAB + "3-n\tlemma\tchien\n", encoding="utf-8")
    _, logged = build()
    assert steps(logged, "done again") == ["wordnet/fr", "merge/fr"]
    assert "chien" in MetadataFolder.open(tmp_path / "m").entries("fr")
    (built_sources / "wn-data-fra.tab").write_text(_TAB, encoding="utf-8")
    build()
    assert contents(tmp_path / "m") == before
    (tmp_path / "m" / "fr.txt.zst").unlink()
    _, logged = build()
    assert steps(logged, "begins") == ["merge/fr"]
    assert contents(tmp_path / "m") == before
    # A build that died after writing its list left no stats of it.
    (tmp_path / "m" / "sources.json").unlink()
    build(titles_most=1)
    build()
    assert contents(tmp_path / "m") == before
    _, logged = build(titles_sites="desktop")
    assert steps(logged, "done again") == ["titles", "merge/fr"]
    assert "titles: --titles-sites was desktop for en, all for the others and is desktop, done again" in logged
    rows = pq.read_table(tmp_path / "m" / "entries" / "fr.parquet").to_pylist()
    assert {row["entry"]: row["score"] for row in rows if row["source"] == "titles"} == {"Tour Eiffel": 9, "Paris": 7}


def test_what_a_build_warns_of(build: Any, sources: Path) -> None:
    path = sources / "pageviews-20250101-000000.gz"
    path.write_bytes(gzip.compress(b"de Hund 9 0\nfr.d chien 9 0\n", mtime=0))
    built, logged = build(preset="metaclip1", bigrams="published", unigrams_share=None)
    impossible, preset, *empty, short = built["fr"]["warnings"]
    assert impossible.startswith("bigrams: no pair of fr can have 30 bits of mutual information: with 20 tokens")
    assert preset == (
        "--preset metaclip1 isn't the papers' preset of fr, which is metaclip2: with it the list has 101 entries"
    )
    unigrams, bigrams, titles = empty
    assert unigrams == "unigrams: none was taken, 0 of 11 have the lowest count; the highest is 4"
    assert bigrams.startswith("bigrams: none was taken, 0 of 10 have the lowest pmi; the highest is ")
    assert titles == "titles: none was taken, 0 of 2 lines of the page views count for fr"
    assert short.startswith("the list has only 101 entries (numbers 100, wordnet 1, unigrams 0, bigrams 0, titles 0)")
    assert f"merge/fr: warning: {titles}" in logged


def test_each_wikipedia_of_a_language_has_limits_of_its_own(build: Any, sources: Path, tmp_path: Path) -> None:
    texts = {
        "zh": "狗 狗 狗 猫 猫",
        "zh_yue": "狗 狗 魚 魚 魚",
        "simple": "dog dog cat",
        "en": "cow " * 100 + "ox " * 99,
    }
    for wiki, text in texts.items():
        (sources / f"{wiki}wiki-20250101.jsonl").write_text(json.dumps({"text": text}) + "\n", encoding="utf-8")
    given = {"without": ("titles", "wordnet"), "numbers": 0, "unigrams_share": 0.5}
    built, logged = build(languages=("zh", "other", "en"), **given)
    entries = MetadataFolder.open(tmp_path / "m").entries
    # Half of the two words of each, whatever the other has: 狗 of zh, 魚 of zh_yue.
    assert (entries("zh"), built["zh"]["wikipedias"]) == (["狗", "魚"], ["zh", "zh_yue"])
    assert "merge/zh: unigrams of zh_yue: 2 candidates, limit 1, 1 taken, the last '魚' with count 3" in logged
    # English is en alone, and by MetaCLIP 1's rule a word occurs 100 times.
    assert (entries("other"), entries("en")) == (["dog"], ["cow"])
    assert build(languages=("en",), with_simple=True, **given)[0]["en"]["wikipedias"] == ["en", "simple"]
    with pytest.raises(UserError, match=r"only the word pairs of en that occur 100 times or more, .* those of 2"):
        build(languages=("en",), stage="merge", bigrams_min_count=2, **given)


def test_stages_alone_come_to_the_same_bytes(build: Any, built_sources: Path, tmp_path: Path) -> None:
    before = contents(tmp_path / "m")
    shutil.rmtree(tmp_path / "m")
    with pytest.raises(UserError, match=r"has no finished stage wordnet of fr: .*--stage wordnet"):
        build(stage="merge")
    for stage in ("titles", "ngrams", "wordnet"):
        assert build(stage=stage)[0] == {}
    build(stage="merge", sources=())
    assert contents(tmp_path / "m") == before


def test_a_missing_source_is_reported_before_any_stage_runs(build: Any, sources: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no Wikipedia text of sw \(swwiki-\*\)"):
        build(languages=("fr", "sw"))
    (sources / "pageviews-20250101-000000.gz").unlink()
    with pytest.raises(UserError, match=r"no pageviews-\*\.gz"):
        build()
    assert not (tmp_path / "m").exists()
    (sources / "wn-data-fra.tab").unlink()
    built, logged = build(without=("titles",))
    assert "wordnet/fr: no wordnet: no wn-data-fra in the sources" in logged
    assert [source["name"] for source in built["fr"]["sources"]] == ["numbers", "wordnet", "unigrams", "bigrams"]
    with pytest.raises(UserError, match="would be empty"):
        build(without=("titles", "ngrams"), numbers=0)


def test_damaged_pageviews(build: Any, sources: Path, tmp_path: Path) -> None:
    path = sources / "pageviews-20250101-000000.gz"
    whole = path.read_bytes()
    path.write_bytes(whole[:-8] + b"wrongsum")
    with pytest.raises(UserError, match=r"pageviews-20250101-000000\.gz is damaged"):
        build(without=("ngrams",))
    path.write_bytes(whole[:-8])
    _, logged = build(without=("ngrams",))
    assert any("breaks off" in line for line in logged)
    assert not any("finished before" in line for line in logged if line.startswith("titles"))


def test_another_list_stays(build: Any, sources: Path, tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "fr.json").write_text('["la"]')
    with pytest.raises(UserError, match=r"fr\.json already exists"):
        build()
    assert [path.name for path in (tmp_path / "m").iterdir()] == ["fr.json"]


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ([], "--output is missing"),
        (["--output", "x"], "--sources is missing"),
        (["--output", "x", "--sources", "y"], "--languages is missing"),
        (["--output", "x", "--sources", "y", "--languages", "xx"], "no Wikipedia with the code xx"),
        (["--output", "x", "--sources", "y", "--languages", "de"], "--sources y has no files"),
        (["--output", "x", "--sources", "y", "--without", "merge"], "--without takes wordnet, ngrams, titles"),
        (["--output", "x", "--sources", "y", "--without", "titles", "--stage", "titles"], "exclude each other"),
    ],
)
def test_mistakes(
    given: list[str], part: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["metadata", "build", *given]) == 2
    assert part in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("content", [b"", bz2.compress(b"<mediawiki>" + bytes(range(256)))[:-1]])
def test_a_dump_without_its_end_is_found_before_a_session_starts(sources: Path, tmp_path: Path, content: bytes) -> None:
    def no_session() -> SparkSession:
        raise AssertionError("the last bytes of a file need no Spark")

    def build(allow_damaged_dumps: bool = False) -> None:
        options = BuildOptions(("fr",), (str(sources),), str(tmp_path / "m"), None, ("wordnet", "titles"))
        ngrams = NgramOptions(allow_damaged_dumps=allow_damaged_dumps)
        MetadataBuild(BuildSettings(options, MergeOptions(), ngrams, StorageOptions()), no_session).run()

    (sources / "frwiki-20250101.jsonl").unlink()
    (sources / "frwiki-20250101-pages-articles.xml.bz2").write_bytes(content)
    with pytest.raises(UserError, match=r"frwiki-.*\.xml\.bz2 is (empty|cut off.*): fetch it again, or"):
        build()
    assert not (tmp_path / "m").exists()
    with pytest.raises(AssertionError, match="need no Spark"):
        build(allow_damaged_dumps=True)


def test_sources_and_output_in_an_object_store(sources: Path, tmp_path: Path, s3_server: S3Server) -> None:
    s3_server.put("lake", {f"sources/{file.name}": file.read_bytes() for file in sources.iterdir()})

    def no_session() -> SparkSession:
        raise AssertionError("wordnet needs no Spark")

    def steps_of(reached: StorageOptions, sources: str, output: str) -> list[str]:
        logged: list[str] = []
        for stage in ("wordnet", "wordnet", "merge"):
            options = BuildOptions(("fr",), (sources,), output, stage, ("ngrams", "titles"))
            settings = BuildSettings(options, MergeOptions(), NgramOptions(), reached)
            MetadataBuild(settings, no_session, logged.append).run()
        return logged

    reached = StorageOptions(s3_endpoint_url=s3_server.url)
    logged = steps_of(reached, "s3://lake/sources", "s3://lake/m")
    assert logged == steps_of(StorageOptions(), str(sources), str(tmp_path / "m"))
    assert logged[2] == "wordnet/fr: finished before"
    remote = MetadataFolder.open("s3://lake/m", reached)
    assert remote.digests() == MetadataFolder.open(tmp_path / "m").digests()
    assert show_lists(remote, [], 1) == show_lists(MetadataFolder.open(tmp_path / "m"), [], 1)
