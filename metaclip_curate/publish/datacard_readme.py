"""README.md of a run folder in the form of the Hugging Face hub: a YAML head for machines, then text for people."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import yaml

from metaclip_curate.console.terminal import shown
from metaclip_curate.schemas import MANIFEST

NAME = "README.md"
# By this line of its head a README of this module is known.
MARK = "license_name: common-crawl-terms-of-use"
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
    "uid": "BLAKE2b-128 of URL, a newline and text, 32 hex digits; names the pair in every table",
    "image_id": "the first 24 hex digits of SHA-224 of the URL",
    "url": "where the image is, or was; the image itself is not part of the data set",
    "text": "the text about it",
    "text_source": "the attribute it stood in: alt, title or data-image-title",
    "lang": "the label that the language-ID model gave the text",
    "lang_score": "its probability",
    "page_url": "the page that the image stood on",
    "crawl": "the crawl of Common Crawl",
    "source_file": "the file of it",
    "metadata_lang": "the language whose metadata the text was searched for",
    "entry_ids": "positions of the entries it contains in that language's list",
    "keep_probability": "with which it was kept",
    "draw": "the number that was drawn, from 0 to 1; the pair was kept since it is below keep_probability",
}


def datacard_readme(datacard: dict[str, Any], name: str) -> str:
    """Writes the README of a data set.

    Args:
        datacard: datacard.json.
        name: What the data set is called.

    Returns:
        Markdown with a YAML head, whose data files are those of `manifest/`.
    """
    name = shown(name)  # names of files and folders may hold what turns or hides the text that follows
    head = yaml.safe_dump(_head(datacard, name), sort_keys=False, allow_unicode=True)
    parts = [f"---\n{head}---\n", f"# {name}", _description(datacard), _loading(), _columns(), _funnel(datacard)]
    parts += [_languages(datacard), _opt_out(datacard), _licence(datacard), _provenance(datacard)]
    return "\n\n".join(parts) + "\n"


def _head(datacard: dict[str, Any], name: str) -> dict[str, Any]:
    names = [row["metadata_lang"] for row in datacard["languages"] if row["pairs_out"]]
    size = len(str(max(datacard["pairs_out"], 1)))
    return {
        "pretty_name": name,
        "license": "other",
        "license_name": MARK.partition(": ")[2],
        "license_link": "https://commoncrawl.org/terms-of-use",
        # The hub takes ISO 639 codes; of other Wikipedias' names the table below tells.
        "language": [name for name in names if _CODE.fullmatch(name)],
        "size_categories": [_SIZES[min(max(size - 3, 0), len(_SIZES) - 1)]],
        "task_categories": ["zero-shot-image-classification", "image-to-text", "text-to-image"],
        "tags": ["image-text", "clip", "metaclip", "common-crawl"],
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": "manifest/*.parquet"}]}],
    }


def _description(datacard: dict[str, Any]) -> str:
    balance, draw = datacard["options"]["balance"], datacard["options"]["sample"]
    if balance["tail_share"] is not None:
        rule = f"every language's t gives its tail {balance['tail_share']:.1%} of its matches"
    elif balance["same_t"]:
        rule = f"t = {balance['t']:,} for every language"
    else:
        rule = (
            f"t = {balance['t']:,} for {shown(balance['anchor_language'])}, and for every other language the t at "
            "which its tail has the same share of matches"
        )
    one = " Of an image's texts one was selected to be drawn." if draw["texts_per_image"] == "one" else ""
    return (
        f"{datacard['pairs_out']:,} pairs of an image's address and a text, of {datacard['images_out']:,} images, in "
        f"{sum(row['pairs_out'] > 0 for row in datacard['languages']):,} languages, balanced by the method of MetaCLIP "
        "(arXiv 2309.16671) and MetaCLIP 2 (arXiv 2507.22062). A text was matched when it contains an entry of its "
        "language's metadata; an entry with more than t texts gives each of them the probability t / count, and a text "
        f"is kept with 1 - product of (1 - probability) over its entries. Here {rule}.{one} The draw is a hash of the "
        f"seed {draw['seed']} and the pair's uid, so that the same input gives the same pairs."
    )


def _loading() -> str:
    return (
        '## Loading\n\n```python\nfrom datasets import load_dataset\n\npairs = load_dataset("THIS_FOLDER", '
        'split="train")\n```\n\nImages are fetched by img2dataset, which takes the folder `manifest` as it is '
        "(`--url_col url --caption_col text`)."
    )


def _columns() -> str:
    rows = [
        [f"`{column.name}`", str(column.type).replace("element: ", ""), _COLUMNS[column.name]] for column in MANIFEST
    ]
    return "## Columns\n\n" + _table(["column", "type", "meaning"], rows)


def _funnel(datacard: dict[str, Any]) -> str:
    inputs = datacard["inputs"]
    steps: list[tuple[str, Any]] = [
        ("input files", inputs.get("files")),
        ("of them damaged, read as far as they go", inputs.get("partial")),
        ("of them failed", inputs.get("failed")),
        ("image links", inputs.get("image_links")),
        ("dropped: the page opts out", inputs.get("dropped_opt_out")),
        ("dropped: no text", inputs.get("dropped_no_text")),
        ("dropped: bad URL", inputs.get("dropped_bad_url")),
        ("dropped: not http", inputs.get("dropped_not_http")),
        ("pairs, once a file", inputs.get("pairs")),
        ("without metadata for their language", datacard["no_metadata"]),
        ("pairs with a match, once", datacard["pairs_in"]),
        ("pairs in the manifest", datacard["pairs_out"]),
    ]
    return "## From links to pairs\n\n" + _table(
        ["", "number"], [[name, f"{value:,}"] for name, value in steps if value is not None]
    )


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
    header = ["language (Wikipedia's code)", "t", "tail share", "pairs matched", "pairs kept", "images kept"]
    return "## Languages\n\n" + _table(header, rows)


def _opt_out(datacard: dict[str, Any]) -> str:
    if datacard["options"]["extract"].get("ignore_opt_out"):
        found = "Pages' opt-outs were ignored when this data set was made (`--ignore-opt-out`)."
    else:
        dropped = datacard["inputs"].get("dropped_opt_out", 0)
        found = (
            "Pages that say noai or noimageai (robots meta or X-Robots-Tag) or tdm-reservation: 1 (header or meta) "
            f"were left out: {dropped:,} image links."
        )
    return (
        f"## Opting out\n\n{found} That was the state when the pages were crawled: whoever fetches images should heed "
        "the X-Robots-Tag of the images' own servers as well, and remove pairs when asked to."
    )


def _licence(datacard: dict[str, Any]) -> str:
    return (
        "## Licence\n\nTexts and addresses come from web pages by way of Common Crawl, whose [terms of use]"
        "(https://commoncrawl.org/terms-of-use) apply. They, and the images, belong to their authors, who have "
        "not been asked; the data set names where each was found. Nothing was filtered but what is said above: "
        "offensive and personal content of the web is part of it."
    )


def _provenance(datacard: dict[str, Any]) -> str:
    rows = [
        ["command", f"`{datacard['command']}`"],
        ["language-ID model (SHA-256)", datacard["language_id_model_sha256"]],
    ]
    rows += [
        [f"metadata of {language} (SHA-256)", digest] for language, digest in datacard["metadata"]["sha256"].items()
    ]
    rows += [[f"version of {name}", version] for name, version in datacard["versions"].items()]
    return "## Provenance\n\n" + _table(["", ""], rows) + "\n\n`datacard.json` has all of this for machines."


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(shown(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
