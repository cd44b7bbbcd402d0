"""README.md of a run folder as the Hugging Face hub expects it: YAML metadata, then Markdown."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Sequence
from typing import Any

import yaml

from metaclip_curate.console.terminal import shown
from metaclip_curate.console.text_table import number
from metaclip_curate.console.wording import counted
from metaclip_curate.options.recipe import recipe_words
from metaclip_curate.run.funnel import Funnel
from metaclip_curate.schemas import MANIFEST, kept_columns, with_kept
from metaclip_curate.screens.reasons import REASON_NAMES

NAME = "README.md"
# One of these lines of the YAML metadata shows that the README was written here.
MARK, POOL_MARK = "license_name: common-crawl-terms-of-use", "license_name: terms-of-the-pool"
_TERMS_OF_USE = "https://commoncrawl.org/terms-of-use"
_CODE = re.compile(r"[a-z]{2,3}")
_SIZES = (
    "n<1K",
    "1K<n<10K",
    "10K<n<100K",
    "100K<n<1M",
    "1M<n<10M",
    "10M<n<100M",
    "100M<n<1B",
    "1B<n<10B",
    "10B<n<100B",
)
_COLUMNS = {
    "uid": "32 hex digits of BLAKE2b-128 of URL, newline and text; identifies the pair in every table",
    "image_id": "first 24 hex digits of SHA-224 of the URL",
    "url": "URL of the image; the image itself is not part of the data set",
    "text": "caption of the image",
    "text_source": "HTML attribute with the caption: alt, title or data-image-title; of a pool the column's name",
    "page_url": "URL of the page with the image",
    "page_lang": "language that the page declares in its html element; empty if it declares none",
    "license": "URL of the Creative Commons licence that the page declares; empty if it declares none",
    "source_id": "id of the pair in the pool that it comes from; empty for a crawl's pairs",
    "crawl": "name of the crawl of Common Crawl; empty for a pool's pairs",
    "source_file": "input file",
    "lang": "label of the text by the language-ID model",
    "lang_score": "probability of the label",
    "metadata_lang": "language whose metadata the text was matched with",
    "entry_ids": "positions of the entries that the text contains in that language's list",
    "keep_probability": "probability with which the pair was kept",
    "draw": "number from 0 to 1 that was drawn; the pair was kept because it is below keep_probability",
}


def datacard_readme(datacard: dict[str, Any], funnel: Funnel, name: str, path: str) -> str:
    """Returns the README of a data set.

    Args:
        datacard: Content of datacard.json.
        funnel: Funnel of the run.
        name: Name of the data set.
        path: Path or URL of the run folder, which the example loads.

    Returns:
        YAML metadata, which names `manifest/` as the data files, and Markdown.
    """
    name = shown(name)  # the name of a folder may hold characters that hide or turn the text after them
    head = yaml.safe_dump(_head(datacard, name), sort_keys=False, allow_unicode=True)
    parts = [
        f"---\n{head}---\n",
        f"# {name}",
        _description(datacard),
        _loading(path),
        _columns(datacard),
        _funnel_table(funnel),
    ]
    parts += [_languages(datacard), _screens(datacard), _opt_out(datacard), _licence(datacard), _provenance(datacard)]
    return "\n\n".join(parts) + "\n"


def _head(datacard: dict[str, Any], name: str) -> dict[str, Any]:
    names = [row["metadata_lang"] for row in datacard["languages"] if row["pairs_out"]]
    size = len(str(max(datacard["pairs_out"], 1)))
    of_pool = _is_of_pool(datacard)
    return {
        "pretty_name": name,
        "license": "other",
        "license_name": (POOL_MARK if of_pool else MARK).partition(": ")[2],
        **({} if of_pool else {"license_link": _TERMS_OF_USE}),
        # The hub accepts ISO 639 codes only; the table of languages has the other Wikipedias.
        "language": [name for name in names if _CODE.fullmatch(name)],
        "size_categories": [_SIZES[min(max(size - 3, 0), len(_SIZES) - 1)]],
        "task_categories": ["zero-shot-image-classification", "image-to-text", "text-to-image"],
        "tags": ["image-text", "clip", "metaclip", *([] if of_pool else ["common-crawl"])],
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": "manifest/*.parquet"}]}],
    }


def _is_of_pool(datacard: dict[str, Any]) -> bool:
    """Returns whether all pairs come from pools, whose files have no pages."""
    return bool(datacard["inputs"].get("pages") == 0)


def _description(datacard: dict[str, Any]) -> str:
    balance, draw = datacard["options"]["balance"], datacard["options"]["sample"]
    if balance["tail_share"] is not None:
        rule = f"every language has the t at which its tail has {balance['tail_share']:.1%} of its matches"
    elif balance["same_t"]:
        rule = f"t = {balance['t']:,} for every language"
    else:
        rule = (
            f"t = {balance['t']:,} for {shown(balance['anchor_language'])}, and for every other language the t at "
            "which its tail has the same share of matches"
        )
    one = " Of the texts of an image, only one was drawn." if draw["texts_per_image"] == "one" else ""
    languages = sum(row["pairs_out"] > 0 for row in datacard["languages"])
    by_language = " (counted for each language)" if languages > 1 else ""
    return (
        f"{datacard['pairs_out']:,} pairs of an image URL and a caption, for {datacard['images_out']:,} images"
        f"{by_language}, in {counted(languages, 'language')}, balanced by the method of MetaCLIP "
        "(arXiv 2309.16671) and MetaCLIP 2 (arXiv 2507.22062). A caption matches if it contains an entry of its "
        "language's metadata. Each entry gives its captions the probability min(1, t / count), and a caption is kept "
        f"with probability 1 - product of (1 - probability) over its entries. Here {rule}.{one} The draw is a hash of "
        f"the seed {draw['seed']} and the uid, so the same input gives the same pairs."
    )


def _loading(path: str) -> str:
    files = json.dumps(shown(posixpath.join(path, "manifest", "*.parquet")), ensure_ascii=False)
    return (
        "## Loading\n\n```python\nfrom datasets import load_dataset\n\n"
        f'pairs = load_dataset("parquet", data_files={files}, split="train")\n```\n\n'
        "On the Hugging Face hub, `load_dataset` takes the name of the repository alone. img2dataset fetches the "
        "images and reads the folder `manifest` as it is (`--url_col url --caption_col text`)."
    )


def _columns(datacard: dict[str, Any]) -> str:
    extract = datacard["options"]["extract"]
    kept = kept_columns(extract.get("keep_columns", ()), extract.get("kept_types", ()))
    of_pool = {
        column.name: f"column {shown(name)} of the pool; null for a crawl's pairs"
        for column, name in zip(kept, extract.get("keep_columns", ()), strict=True)
    }
    rows = [
        [f"`{column.name}`", re.sub("element: |item: ", "", str(column.type)), (_COLUMNS | of_pool)[column.name]]
        for column in with_kept(MANIFEST, kept)
    ]
    return "## Columns\n\n" + _table(["column", "type", "meaning"], rows)


def _funnel_table(funnel: Funnel) -> str:
    steps = (*funnel.inputs, *funnel.steps)
    rows = [[f"– {step.name}" if step.part else step.name, number(step.value)] for step in steps]
    return f"## From links to pairs\n\n{_table(['', 'number'], rows)}\n\n{funnel.explanation}"


def _languages(datacard: dict[str, Any]) -> str:
    rows = [
        [
            row["metadata_lang"],
            f"{row['t']:,}",
            f"{row['tail_share']:.1%}",
            f"{row['pairs_in']:,}",
            f"{row['pairs_out']:,}",
            f"{row['images_out']:,}",
        ]
        for row in sorted(datacard["languages"], key=lambda row: (-row["pairs_out"], row["metadata_lang"]))
    ]
    header = ["language (Wikipedia's code)", "t", "tail share", "matched pairs", "kept pairs", "kept images"]
    return "## Languages\n\n" + _table(header, rows)


def _screens(datacard: dict[str, Any]) -> str:
    """What screens rejected, and what was taken down. A data card of an earlier version has neither."""
    rejected = []
    for reason, pairs in datacard.get("screened", {}).items():
        rejected.append([REASON_NAMES[reason], f"{pairs:,}"])
        rules = datacard.get("policy_rules", {}) if reason == "host_policy" else {}
        rejected += [[f"– {rule}", f"{of_rule:,}"] for rule, of_rule in rules.items()]
    shown_table = _table(["pairs that were rejected", "number"], rejected) if rejected else ""
    nothing = "No pair was rejected for its host, its text, its licence or its image."
    lists = datacard["options"].get("match", {}).get("list_digests", {})
    named = "; ".join(f"`{name}` with the SHA-256 {digest}" for name, digest in lists.items())
    removed = datacard.get("removed", {"values": 0, "pairs": 0})
    taken_down = (
        f"On request, {removed['values']:,} uids, URLs, hosts or image ids were taken down; {removed['pairs']:,} pairs "
        "left the finished manifest for that."
    )
    parts = [
        "## Screens",
        shown_table or nothing,
        f"The lists: {named}." if named else "",
        taken_down if removed["values"] else "",
    ]
    return "\n\n".join(filter(None, parts))


def _opt_out(datacard: dict[str, Any]) -> str:
    if _is_of_pool(datacard):
        return (
            "## Opting out\n\nThe pairs come from a pool that existed already, and their pages weren't read. If you "
            "fetch the images, respect the X-Robots-Tag of their servers, and remove pairs on request."
        )
    if datacard["options"]["extract"].get("ignore_opt_out"):
        found = "Pages' opt-outs were ignored when this data set was made (`--ignore-opt-out`)."
    else:
        dropped = datacard["inputs"].get("dropped_opt_out", 0)
        found = (
            "Pages with noai, noimageai or noml (robots meta or X-Robots-Tag), with tdm-reservation: 1 (header or "
            "meta) or with ai-train=no (header Content-Signal) "
            f"were left out: {dropped:,} image links."
        )
    return (
        f"## Opting out\n\n{found} That was the state when the pages were crawled. If you fetch the images, respect "
        "the X-Robots-Tag of their servers as well, and remove pairs on request."
    )


def _licence(datacard: dict[str, Any]) -> str:
    if _is_of_pool(datacard):
        return (
            "## Licence\n\nThe terms of the pool apply from which the pairs come; the column source_file names its "
            "files. Nothing was filtered except as described above."
        )
    return (
        "## Licence\n\nThe captions and URLs come from web pages in Common Crawl, whose [terms of use]"
        f"({_TERMS_OF_USE}) apply. They and the images belong to their authors, who haven't "
        "been asked; the data set names the page of each. Nothing was filtered except as described above, and no list "
        "is complete: the data set has offensive and personal content of the web."
    )


def _provenance(datacard: dict[str, Any]) -> str:
    recipes = (datacard.get("recipe") or {}).items()
    rows = [
        ["command", f"`{datacard['command']}`"],
        *([f"pages of {each['crawl']}", _selected(each)] for each in datacard.get("selections", {}).values()),
        *([f"recipe of {stage}", recipe_words(recipe["name"], recipe["overridden"])] for stage, recipe in recipes),
        ["language-ID model (SHA-256)", datacard["language_id_model_sha256"]],
    ]
    rows += [
        [f"metadata of {language} (SHA-256)", digest] for language, digest in datacard["metadata"]["sha256"].items()
    ]
    rows += [[f"version of {name}", version] for name, version in datacard["versions"].items()]
    return "## Provenance\n\n" + _table(["", ""], rows) + "\n\n`datacard.json` has all of this for programs."


def _selected(selection: dict[str, Any]) -> str:
    """Returns which pages of a crawl were chosen, in words."""
    by = [
        ("languages", " ".join(selection["languages"])),
        ("hosts", " ".join(selection["hosts"])),
        ("sample", f"{selection['sample']:g}" if selection["sample"] < 1 else ""),
        ("limit", f"{selection['limit']:,}" if selection["limit"] else ""),
    ]
    return f"{selection['pages']:,} by " + ", ".join(f"{name} {value}" for name, value in by if value)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(shown(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
