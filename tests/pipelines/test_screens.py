"""Screens in a whole run: tables as the oracle has them, counts that add up, and what is removed stays away."""

from __future__ import annotations

import json
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from metaclip_curate.cli import main
from metaclip_curate.errors import UserError
from metaclip_curate.options.screens import ScreenOptions
from metaclip_curate.pipelines.run_screens import RunScreens
from metaclip_curate.run.finished import open_finished
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.funnel import funnel
from metaclip_curate.run.stages import STAGES
from metaclip_curate.run.summaries import MatchSummary
from metaclip_curate.run.tables import open_table
from metaclip_curate.screens.host_policies import write_host_policies
from metaclip_curate.stages.report.facts import Gatherer
from metaclip_curate.stages.shared.passes import ArrowPasses
from metaclip_curate.storage import StorageOptions
from tests.support import oracle, runs

STORAGE = StorageOptions()


def hosts_by_number(rows: list[dict[str, Any]], column: str) -> list[str]:
    return [host for host, _ in Counter(oracle.host_of(row[column]) for row in rows).most_common() if "." in host]


@pytest.mark.slow
def test_a_screened_run_equals_the_oracles(tmp_path: Path, spark: SparkSession, mini_wats: list[Path]) -> None:
    lists = tmp_path / "lists"
    metadata = runs.write_metadata_for(mini_wats, lists, languages=runs.FEW_LANGUAGES)
    pairs = [row for path in mini_wats for row in oracle.read_wat(path)[0]]
    images, pages = hosts_by_number(pairs, "url"), hosts_by_number(pairs, "page_url")
    words = {"en": ["The", "photo"], "de": ["und"]}
    (tmp_path / "hosts.txt").write_text(f"{images[1]}\n")
    for language, listed in words.items():
        (tmp_path / f"{language}.words").write_text("\n".join(listed))
    write_host_policies(str(tmp_path / "policies"), {pages[2]: "robots.txt: GPTBot"}, {}, STORAGE)
    output = tmp_path / "run"
    given: dict[str, Any] = {"min_characters": 12, "max_characters": 90, "reject_lid_score_below": 0.3}
    pipeline = runs.run(
        output,
        mini_wats,
        lists,
        host_list=(str(tmp_path / "hosts.txt"),),
        host_policies=str(tmp_path / "policies"),
        word_list=tuple(f"{language}={tmp_path / language}.words" for language in words),
        **given,
    )
    rules = {**given, "host_list": [images[1]], "host_policies": [pages[2]], "word_list": words}
    expected = runs.expected_tables(mini_wats, metadata, screens=rules)
    found = runs.tables(output)
    for name in ("screened", "matched", "counts", "manifest"):
        columns = list(expected[name][0])
        assert [{column: row[column] for column in columns} for row in found[name]] == expected[name], name

    summary = open_finished(str(output), "sample", STORAGE).summary(MatchSummary)
    reasons = Counter(row["reason"] for row in found["screened"])
    assert {"host", "host_policy", "words", "length", "language_score"} <= set(reasons)
    assert summary.screened == reasons
    assert summary.policy_rules == {"robots.txt: GPTBot": reasons["host_policy"]}
    left = summary.no_metadata + summary.unmatched + summary.matched
    assert len(found["distinct"]) == len(found["screened"]) + left
    for safe in (False, True):
        facts = Gatherer(pipeline.folder, STAGES, ArrowPasses(partial(open_table, pipeline.folder)), safe).facts()
        assert facts.screened and facts.pairs
        assert {each.reason: each.pairs for each in facts.screened.reasons} == reasons
        texts = {row["uid"]: row["text"] for row in found["distinct"]}
        for each in facts.screened.reasons:
            assert each.hosts and 0 < len(each.examples) <= min(10, each.pairs)
            assert all(pair.text == ("(hidden)" if safe else texts[pair.uid]) for pair in each.examples)
        rejected = {row["uid"] for row in found["screened"]}
        assert {pair.uid for pair in facts.pairs.sample if pair.fate == "rejected"} == rejected.intersection(
            pair.uid for pair in facts.pairs.sample
        )
        assert all(pair.blurred == (pair.fate == "rejected" and not safe) for pair in facts.pairs.sample)
    steps = {step.key: step.value for step in funnel(pipeline.folder, STAGES).steps}
    assert {reason: steps[f"screened_{reason}"] for reason in reasons} == reasons


@pytest.mark.slow
@pytest.mark.usefixtures("spark")
def test_what_was_removed_stays_away_when_a_crawl_is_added(tmp_path: Path, mini_wats: list[Path]) -> None:
    output, lists = tmp_path / "run", tmp_path / "lists"
    metadata = runs.write_metadata_for(mini_wats, lists, languages=("de", "en"))
    runs.run(output, mini_wats[:1], lists)
    before = {row["uid"]: row for row in runs.table(output, "manifest")}
    added = oracle.read_wat(mini_wats[1])[0]
    removed = removals_among(list(before.values()), added)
    for kind, value in removed.items():
        (tmp_path / kind).write_text(f"{value}\n")
    files = [word for kind in removed for word in (f"--{kind.replace('_', '-')}", str(tmp_path / kind))]
    assert main(["remove", "--run", str(output), *files, "--reason", "asked for"]) == 0
    rules = {"removed": {kind: [value] for kind, value in removed.items()}}
    left = {uid: row for uid, row in before.items() if oracle.screen_reason(row, "en", rules) != "removed"}
    assert {row["uid"]: row for row in runs.table(output, "manifest")} == left

    runs.run(output, mini_wats, lists)
    expected = runs.expected_tables(mini_wats, metadata, screens=rules)
    found = runs.tables(output)
    for name in ("screened", "matched", "counts", "manifest"):
        columns = list(expected[name][0])
        assert [{column: row[column] for column in columns} for row in found[name]] == expected[name], name
    gone = {row["uid"] for row in found["screened"] if row["reason"] == "removed"}
    assert gone - before.keys()  # pairs of the new crawl with the same URL, image or host
    both = left.keys() & {row["uid"] for row in found["manifest"]}
    assert len(both) > 100
    assert all(row["draw"] == left[row["uid"]]["draw"] for row in found["manifest"] if row["uid"] in both)


def removals_among(manifest: list[dict[str, Any]], added: list[dict[str, Any]]) -> dict[str, str]:
    """A uid, URL, image id and host of a manifest, of different hosts, that new pairs have as well."""
    found: dict[str, str] = {}
    hosts: set[str] = set()
    for kind in ("uid", "url", "image_id", "host"):
        value_of = (lambda row: oracle.host_of(row["url"])) if kind == "host" else (lambda row, kind=kind: row[kind])
        again = Counter(value_of(row) for row in added)
        row = next(row for row in manifest if again[value_of(row)] and oracle.host_of(row["url"]) not in hosts)
        found[kind] = value_of(row)
        hosts.add(oracle.host_of(row["url"]))
    return found


def screens(tmp_path: Path, log: list[str], **given: Any) -> RunScreens:
    return RunScreens(ScreenOptions(**given), STORAGE, frozenset({"en", "de"}), log.append)


def test_lists_that_reject_nothing_are_a_warning(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("# soon\n")
    (tmp_path / "words").write_text("\n")
    (tmp_path / "suffixes").write_text("co.uk\nexample.com\n")
    write_host_policies(str(tmp_path / "policies"), {}, {}, STORAGE)
    log: list[str] = []
    made = screens(
        tmp_path,
        log,
        host_list=(str(tmp_path / "hosts"), str(tmp_path / "suffixes")),
        word_list=(f"en={tmp_path / 'words'}",),
        host_policies=str(tmp_path / "policies"),
    )
    for _ in range(2):  # before the first stage, and before its own
        made.check_lists()
    assert made.warnings == log
    assert [line.rpartition("/")[2] for line in log] == [
        "words is empty and rejects nothing",
        "hosts is empty and rejects nothing",
        "suffixes has 1 line with a public suffix, such as co.uk or github.io, below which no host is rejected",
        "policies has no host that forbids and rejects nothing",
    ]


def test_digests_change_with_the_content_and_not_with_the_folder(tmp_path: Path) -> None:
    digests = []
    for folder, content in {"a": "x.org\n", "b": "x.org\n", "c": "y.org\n"}.items():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "hosts").write_text(content)
        digests.append(screens(tmp_path, [], host_list=(str(tmp_path / folder / "hosts"),)).digests)
    assert digests[0] == digests[1] != digests[2]
    assert [*digests[0]] == ["--host-list hosts"]
    both = screens(tmp_path, [], host_list=tuple(str(tmp_path / folder / "hosts") for folder in "ac"))
    assert [*both.digests] == ["--host-list a/hosts", "--host-list c/hosts"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"host_list": ("nothing",)}, "nothing can't be read"),
        ({"word_list": ("xx=words",)}, "no label counts as xx"),
        ({"host_policies": "nothing"}, "--host-policies nothing has no hosts.parquet"),
    ],
)
def test_lists_that_cant_be_used_are_an_error(tmp_path: Path, given: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        screens(tmp_path, [], **given).digests  # noqa: B018


def test_conditions_are_checked_against_the_kept_columns(tmp_path: Path) -> None:
    folder = RunFolder(str(tmp_path / "run"))
    folder.begin("extract", {"keep_columns": ["punsafe"], "kept_types": ["double"]}, "")
    screens(tmp_path, [], where="punsafe < 0.1").check_where(folder.kept_columns())
    with pytest.raises(UserError, match=r"--where names score, .*: the kept columns are punsafe"):
        screens(tmp_path, [], where="score < 0.1").check_where(folder.kept_columns())
    with pytest.raises(UserError, match="--where 'punsafe <' can't be read"):
        screens(tmp_path, [], where="punsafe <").check_lists()


def test_a_table_that_isnt_of_policies_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "hosts.parquet").write_bytes(b"no table")
    with pytest.raises(UserError, match=r"hosts.parquet isn't a table of hosts and rules"):
        screens(tmp_path, [], host_policies=str(tmp_path)).check_lists()


def test_another_list_is_refused_with_what_to_do(tmp_path: Path) -> None:
    from metaclip_curate.pipelines.checked_options import CheckedOptions
    from tests.pipelines.test_checked_options import no_session

    lists, hosts = tmp_path / "lists", tmp_path / "hosts.txt"
    lists.mkdir()
    (lists / "en.txt").write_text("cat\n")
    hosts.write_text("a.org\n")
    folder = RunFolder(str(tmp_path / "run"))

    def match(**given: Any) -> dict[str, Any]:
        options = runs.options(tmp_path / "run", [], lists, **given)
        return CheckedOptions(options, folder, no_session).match()

    folder.begin("match", json.loads(json.dumps(match(host_list=(str(hosts),)))), "")
    assert match(host_list=(str(hosts),))["list_digests"]
    with pytest.raises(UserError, match=r"--host-list hosts.txt with the digest .*, and the command says nothing"):
        match()
    hosts.write_text("b.org\n")
    with pytest.raises(UserError, match=r"--again-from match to `metaclip-curate run`"):
        match(host_list=(str(hosts),))
