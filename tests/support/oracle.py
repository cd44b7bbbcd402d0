"""A second implementation of the specification: plain, slow, and read in one sitting.

The pipeline's tables are compared with what these functions return. They work on Python lists of
dicts, one dict a row, with gzip, json, hashlib, substring tests and loops, and share no code and no
library with the package, so that a mistake there is not made here too. Nothing is optimised, but
URLs and entries, of which tests have the same ones again and again, are worked out once. Only
well-formed input is read: damage has its own tests.

Columns that say how a run went and not what it found (bytes_read, seconds) are left out.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import ipaddress
import itertools
import json
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

# Relative URLs resolve as browsers do it (WHATWG URL standard), which urllib does not. This is a
# pure Python implementation of the standard; the package uses another one (ada, C++), so that the
# two check each other.
from pywhatwgurl import URL

Row = dict[str, Any]

# ---------------------------------------------------------------- pairs and inputs

TEXT_SOURCES = ("alt", "title", "data-image-title")
C0_AND_SPACE = "".join(map(chr, range(0x21)))
MAX_URL_BYTES = 8192
LICENSE_PREFIXES = tuple(
    f"{scheme}://{host}creativecommons.org/{kind}/"
    for scheme in ("http", "https")
    for host in ("", "www.")
    for kind in ("licenses", "publicdomain")
)
CRAWL = re.compile(r"CC-MAIN-\d{4}(?:-\d{2}(?:\d{2})?)?(?![\d-])")


def read_wat(path: str | Path, ignore_opt_out: bool = False) -> tuple[list[Row], Row]:
    """The rows of `pairs` and the row of `inputs` of one well-formed WAT (section 2).

    Args:
        path: the file, gzip (one or more members) or plain.
        ignore_opt_out: take the pages that opt out as well.

    Returns:
        The rows in the order of the file (of equal (url, text) the first), and the account.

    Raises:
        ValueError: the WARC framing is broken.
    """
    rows: list[Row] = []
    seen: set[str] = set()
    crawl = first_match(CRAWL, str(path))
    account: Row = {"path": str(path), "status": "ok", "error": ""}
    for name in (
        *("records", "records_skipped", "pages", "image_links", "dropped_opt_out"),
        *("dropped_no_text", "dropped_bad_url", "dropped_not_http", "texts", "duplicate_texts", "pairs"),
    ):
        account[name] = 0

    for headers, body in read_records(read_bytes(path)):
        account["records"] += 1
        if headers.get("warc-type") == "warcinfo":
            crawl = crawl or first_match(CRAWL, body.decode("utf-8", "replace"))
        if headers.get("warc-type") != "metadata":
            continue
        try:
            envelope = json.loads(body)["Envelope"]
        except ValueError:
            account["records_skipped"] += 1
            continue
        payload = envelope.get("Payload-Metadata", {})
        crawl = crawl or first_match(CRAWL, json.dumps(payload.get("WARC-Info-Metadata", "")))
        response = payload.get("HTTP-Response-Metadata", {})
        html = response.get("HTML-Metadata", {})
        account["pages"] += "HTML-Metadata" in response
        head = html.get("Head", {})
        page_url = scalar_values(envelope.get("WARC-Header-Metadata", {}).get("WARC-Target-URI", ""))
        if page_url.startswith("<") and page_url.endswith(">"):
            page_url = page_url[1:-1]
        opted_out = opts_out(response.get("Headers", {}), head.get("Metas", []))
        base = base_url(page_url, head.get("Base"))
        page_lang = page_language(head.get("Metas", []))
        licence = page_license(html.get("Links", []), base)

        for link in html.get("Links", []):
            if link.get("path") != "IMG@/src":
                continue
            account["image_links"] += 1
            texts = link_texts(link)
            raw_url = scalar_values(link.get("url") or "")
            if opted_out and not ignore_opt_out:
                account["dropped_opt_out"] += 1
                continue
            if not texts:
                account["dropped_no_text"] += 1
                continue
            url = None if is_empty(raw_url) or is_bad(page_url) else resolve(raw_url, base)
            if url is None:
                account["dropped_bad_url"] += 1
                continue
            if not url.startswith(("http://", "https://")):
                account["dropped_not_http"] += 1
                continue
            url = url.partition("#")[0]
            if is_bad(url):
                account["dropped_bad_url"] += 1
                continue
            for source, text in texts:
                account["texts"] += 1
                uid = uid_of(url, text)
                if uid in seen:
                    account["duplicate_texts"] += 1
                    continue
                seen.add(uid)
                account["pairs"] += 1
                rows.append(
                    {
                        "uid": uid,
                        "image_id": image_id_of(url),
                        "url": url,
                        "text": text,
                        "text_source": source,
                        "page_url": page_url,
                        "page_lang": page_lang,
                        "license": licence,
                        "source_id": "",
                        "source_file": str(path),
                    }
                )
    for row in rows:
        row["crawl"] = crawl
    return rows, account


def read_pool(
    pool: Iterable[Row],
    source_file: str,
    url: str = "url",
    texts: tuple[str, ...] = ("text",),
    source_id: str = "",
    keep: tuple[str, ...] = (),
    urn: str = "",
    keys: Iterable[str] | None = None,
) -> tuple[list[Row], Row]:
    """The rows of `pairs` and the row of `inputs` of one well-formed file of a pool (section 5).

    Args:
        pool: its rows, a value for each column.
        source_file: its name.
        url: the column of URLs.
        texts: the columns of texts or lists of texts.
        source_id: the column of the pool's ids.
        keep: columns that are kept; none of them has a name that is taken.
        urn: what precedes the key in the URL of a row without one.
        keys: the keys of the rows, for these URLs.
    """
    rows: list[Row] = []
    account: Row = {"path": source_file, "status": "ok", "error": ""}
    for name in (
        *("records", "records_skipped", "pages", "image_links", "dropped_opt_out"),
        *("dropped_no_text", "dropped_bad_url", "dropped_not_http", "texts", "duplicate_texts", "pairs"),
    ):
        account[name] = 0
    for row, key in zip(pool, keys or itertools.count(), strict=False):
        account["records"] += 1
        account["image_links"] += 1
        found = []
        for column in texts:
            value = row.get(column)
            for text in value if isinstance(value, list) else [value]:
                clean = (text or "").replace("\n", " ").replace("\r", " ").replace("\t", " ").strip()
                if clean:
                    found.append((column, clean))
        if not found:
            account["dropped_no_text"] += 1
            continue
        raw = row.get(url) or ""
        address: str | None = f"{urn}{key}"
        if raw or not urn:
            address = None if is_empty(raw) else resolve(raw, None)
            if address is None:
                account["dropped_bad_url"] += 1
                continue
            if not address.startswith(("http://", "https://")):
                account["dropped_not_http"] += 1
                continue
            address = address.partition("#")[0]
            if is_bad(address):
                account["dropped_bad_url"] += 1
                continue
        assert address is not None
        for column, text in found:
            account["texts"] += 1
            uid = uid_of(address, text)
            if uid in {other["uid"] for other in rows}:
                account["duplicate_texts"] += 1
                continue
            account["pairs"] += 1
            rows.append(
                {
                    "uid": uid,
                    "image_id": image_id_of(address),
                    "url": address,
                    "text": text,
                    "text_source": column,
                    "page_url": "",
                    "page_lang": "",
                    "license": "",
                    "source_id": "" if not source_id or row.get(source_id) is None else str(row[source_id]),
                    **{name: row.get(name) for name in keep},
                    "crawl": "",
                    "source_file": source_file,
                }
            )
    return rows, account


def read_bytes(path: str | Path) -> bytes:
    """A file's content, unpacked if it is gzip."""
    data = Path(path).read_bytes()
    return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data


def read_records(data: bytes) -> Iterator[tuple[dict[str, str], bytes]]:
    """The (headers, block) of each record of a WARC file (ISO 28500); header names in lower case.

    Raises:
        ValueError: a record does not start or end where it should.
    """
    position = 0
    while position < len(data):
        end = data.index(b"\r\n\r\n", position)
        version, *lines = data[position:end].decode("utf-8").split("\r\n")
        if not version.startswith("WARC/"):
            raise ValueError(f"no WARC record at byte {position}")
        fields = (line.partition(":") for line in lines)
        headers = {name.strip().lower(): value.strip() for name, _, value in fields}
        start = end + 4
        stop = start + int(headers["content-length"])
        if data[stop : stop + 4] != b"\r\n\r\n":
            raise ValueError(f"the record at byte {position} does not end at byte {stop}")
        yield headers, data[start:stop]
        position = stop + 4


def first_match(pattern: re.Pattern[str], text: str) -> str:
    """The first match of a pattern in a text, or ""."""
    found = pattern.search(text)
    return found.group() if found else ""


def scalar_values(text: str) -> str:
    """A text without lone surrogates: each becomes U+FFFD. (Paired ones were joined by json.)"""
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def link_texts(link: Row) -> list[tuple[str, str]]:
    """The non-empty texts of a link as (text_source, text), in the order of the sources."""
    texts = []
    for source in TEXT_SOURCES:
        text = scalar_values(link.get(source) or "")
        text = text.replace("\n", " ").replace("\r", " ").replace("\t", " ").strip()
        if text:
            texts.append((source, text))
    return texts


def opts_out(headers: Row, metas: list[Row]) -> bool:
    """Whether a page says noai, noimageai, noml or tdm-reservation: 1, by header or meta element.

    A Content-Signal header with ai-train=no is the same.
    """
    statements = [(name, value) for name, value in headers.items()]
    statements += [(meta.get("name", ""), meta.get("content", "")) for meta in metas]
    robots = {"robots", "x-robots-tag"}
    for name, value in statements:
        for one in value if isinstance(value, list) else [value]:
            # Whole words: `noaindex` is none of the two.
            words = set(re.split(r"[\s,;:]+", str(one).lower()))
            if name.strip().lower() in robots and words & {"noai", "noimageai", "noml"}:
                return True
            if name.strip().lower() == "tdm-reservation" and str(one).strip() == "1":
                return True
    for name, value in headers.items():
        for one in value if isinstance(value, list) else [value]:
            signals = ["".join(signal.split()) for signal in re.split("[,;]", str(one).lower())]
            if name.strip().lower() == "content-signal" and "ai-train=no" in signals:
                return True
    return False


def page_language(metas: list[Row]) -> str:
    """What a page's <html lang> says: the content of the first meta HTML@/lang, in lower case."""
    for meta in metas:
        if meta.get("name") == "HTML@/lang":
            return scalar_values(meta.get("content", "")).strip().lower()[:35]
    return ""


def page_license(links: list[Row], base: str | None) -> str:
    """The first link to a Creative Commons licence with rel=license, resolved; "" without one."""
    for link in links:
        if "license" in link.get("rel", "").lower().split():
            url = resolve(scalar_values(link.get("url", "")), base)
            if url is not None and url.startswith(LICENSE_PREFIXES) and not is_bad(url):
                return url.partition("#")[0]
    return ""


def is_empty(url: str) -> bool:
    """Whether nothing of a URL is left when its ends are stripped as the standard does.

    It would resolve to the page itself, which is no image.
    """
    return not url.strip(C0_AND_SPACE)


@cache
def resolve(url: str, base: str | None) -> str | None:
    """A URL as the WHATWG URL standard resolves it; None when it can't be parsed."""
    try:
        return str(URL(url, base).href if base is not None else URL(url).href)
    except ValueError:
        return None


@cache
def is_bad(url: str) -> bool:
    """Whether a URL is longer than 8,192 bytes, or has a user or a password."""
    if len(url.encode("utf-8")) > MAX_URL_BYTES:
        return True
    try:
        parsed = URL(url)
    except ValueError:
        return False
    return bool(parsed.username or parsed.password)


def base_url(page_url: str, base: str | None) -> str | None:
    """What a page's links resolve against: its <base>, itself resolved, or else the page.

    A base that can't be parsed, or whose scheme is data or javascript, does not count (HTML
    standard, "set the frozen base URL"), nor does one of more than 8,192 bytes. None when the
    page's own URL can't be parsed: then only absolute URLs resolve.
    """
    page = resolve(page_url, None)
    if base is None:
        return page
    resolved = resolve(scalar_values(base), page)
    if resolved is None or resolved.startswith(("data:", "javascript:")):
        return page
    if len(resolved.partition("#")[0].encode("utf-8")) > MAX_URL_BYTES:
        return page
    return resolved


def uid_of(url: str, text: str) -> str:
    """32 hex digits: the dedup key of a pair."""
    return hashlib.blake2b((url + "\n" + text).encode("utf-8"), digest_size=16).hexdigest()


def image_id_of(url: str) -> str:
    """24 hex digits: the name of an image."""
    return hashlib.sha224(url.encode("utf-8")).hexdigest()[:24]


def dedup(rows: Iterable[Row]) -> list[Row]:
    """Each uid once, the row with the smallest (crawl, source_file, row number); sorted by uid.

    The rows of a file are in its order, and files in any.
    """
    kept: dict[str, Row] = {}
    for row in rows:
        other = kept.get(row["uid"])
        if other is None or origin(row) < origin(other):
            kept[row["uid"]] = row
    return [kept[uid] for uid in sorted(kept)]


def origin(row: Row) -> tuple[str, str]:
    """Which file a row came from, as files are ordered for the dedup."""
    return row["crawl"], row["source_file"]


def distinct(rows: Iterable[Row], identify: Callable[[str], tuple[str, float]]) -> list[Row]:
    """The rows of `distinct`; identify gives the label of a text and its probability."""
    found = []
    for row in dedup(rows):
        lang, lang_score = identify(row["text"])
        found.append({**row, "lang": lang, "lang_score": lang_score})
    return found


def label_of(row: Row, min_score: float | None) -> str:
    """The label that a row of `distinct` counts as; a score below min_score yields to the page's language."""
    if min_score is None or row["lang_score"] >= min_score:
        return str(row["lang"])
    return page_label(re.split("[-_]", row["page_lang"])[0]) or str(row["lang"])


LANGUAGES_CSV = Path(__file__).parents[2] / "metadata" / "languages.csv"
# Where CLDR and Wikipedia disagree: Norwegian, and Serbo-Croatian in Latin letters.
WIKIPEDIA_CODES = {"nb": "no", "sr-Latn": "sh", "sr-ME": "sh"}


@cache
def language_rows() -> list[Row]:
    """The rows of languages.csv."""
    with LANGUAGES_CSV.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def page_label(declared: str) -> str:
    """The label of lid.176 for a page's language, or the language's own code if it has no list; empty if unknown."""
    if not re.fullmatch("[a-z]{2,3}", declared):
        return ""
    # CLDR's standard code; the package uses another library. The trainer's environment has neither.
    import langcodes

    standard = langcodes.standardize_tag(declared)
    code = WIKIPEDIA_CODES.get(standard) or standard.split("-")[0]
    rows = language_rows()
    lists = {row["code"]: row["merged_into"] or row["code"] for row in rows}
    found = [row for row in rows if f" {code}_" in f" {row['glotlid_labels']} {row['openlid_labels']}"]
    if len({lists[row["code"]] for row in found}) != 1:
        found = [row for row in rows if code in (row["code"], row["lid176_labels"])]
    if not found:
        return ""
    of_list = [row["lid176_labels"] for row in rows if row["code"] == lists[found[0]["code"]]]
    return of_list[0] if of_list else str(found[0]["code"])


# ---------------------------------------------------------------- matched

TEXT_MARKS = ",.;:?!`"
ASCII_PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
OTHER_PUNCTUATION = "，。、；：？！“”‘’（）【】《》〈〉「」『』～—"
UNSPACED_RANGES = (
    *((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2EBEF)),
    *((0xF900, 0xFAFF), (0x2E80, 0x2FDF), (0x2FF0, 0x2FFF)),
    (0x0E00, 0x0E7F),  # Thai
    (0x0E80, 0x0EFF),  # Lao
    (0x1000, 0x109F),  # Burmese
    (0x1780, 0x17FF),  # Khmer
    (0x0F00, 0x0FFF),  # Tibetan
)


def space_marks(text: str) -> str:
    """A space on both sides of each of , . ; : ? ! `"""
    return "".join(f" {char} " if char in TEXT_MARKS else char for char in text)


def normal(text: str, normalize: str) -> str:
    """A text or an entry as it is compared: with `nfc` in NFC, with plain spaces, without what can't be seen."""
    if normalize == "none":
        return text
    seen = []
    for char in text:
        code = ord(char)
        if code in (0xAD, 0x200B, 0x2060, 0xFEFF):
            continue
        is_space = code in (0xA0, 0x202F, 0x205F, 0x3000) or 0x2000 <= code <= 0x200A
        seen.append(" " if is_space else char)
    return unicodedata.normalize("NFC", "".join(seen))


def runs(text: str) -> list[tuple[bool, str]]:
    """A text as runs of katakana (True) and of anything else (False), sound marks with what they follow."""
    found: list[tuple[bool, str]] = []
    for char in text:
        code = ord(char)
        katakana = code != 0x30FB and (0x30A0 <= code <= 0x30FF or 0x31F0 <= code <= 0x31FF or 0xFF66 <= code <= 0xFF9F)
        if found and (char in "\u3099\u309a" or katakana == found[-1][0]):
            found[-1] = (found[-1][0], found[-1][1] + char)
        else:
            found.append((katakana, char))
    return found


def space_katakana(text: str) -> str:
    """A space where a run of katakana meets another character that is no space."""
    spaced = ""
    for _, run in runs(text):
        if spaced and spaced[-1] != " " and run[0] != " ":
            spaced += " "
        spaced += run
    return spaced


def space_text(text: str, kind: str = "metaclip2") -> str:
    """The spacing of a text; kind is that of the entries."""
    text = text.replace("\t", " ").replace("\n", " ").replace("\r", " ")
    spaced = " " + space_marks(text) + " "
    return space_katakana(spaced) if kind == "kana" else spaced


@cache
def stands_alone(char: str, kind: str = "metaclip2") -> bool:
    """Whether an entry that begins (ends) with this character gets no space there."""
    if char in ASCII_PUNCTUATION or char in OTHER_PUNCTUATION:
        return True
    if kind == "kana" and 0x3040 <= ord(char) <= 0x309F:
        return True
    return any(first <= ord(char) <= last for first, last in UNSPACED_RANGES)


def space_entry(entry: str, kind: str) -> str:
    """The spacing of an entry of one character or more; kind is metaclip1, metaclip2, symmetric or kana."""
    if kind == "metaclip1":
        return " " + entry + " "
    last = len(entry) - 1
    while kind == "kana" and last and entry[last] in "\u3099\u309a":
        last -= 1
    before = "" if stands_alone(entry[0], kind) else " "
    after = "" if stands_alone(entry[last], kind) else " "
    if kind == "metaclip2":
        return before + entry + after
    inside = space_marks(entry)
    return before + (space_katakana(inside) if kind == "kana" else inside) + after


def match_text(text: str, entries: list[str], kind: str, normalize: str = "nfc") -> list[int]:
    """The ids of the entries that a text contains, ascending. The empty entry is in no text."""
    spaced = space_text(normal(text, normalize), kind)
    compared = [compared_entry(entry, kind, normalize) for entry in entries]
    return [i for i, entry in enumerate(compared) if entry and entry in spaced]


@cache
def compared_entry(entry: str, kind: str, normalize: str) -> str:
    """An entry as it is searched for; the empty one stays empty."""
    compared = normal(entry, normalize)
    return space_entry(compared, kind) if compared else ""


def match(
    rows: Iterable[Row],
    metadata: dict[str, list[str]],
    language_of: Callable[[str], str | None],
    spacing: str = "metaclip2",
    normalize: str = "nfc",
    min_score: float | None = None,
) -> tuple[list[Row], dict[str, int]]:
    """The rows of `matched`, and how many rows were left out for which reason.

    Args:
        rows: of `distinct`.
        metadata: metadata language -> its entries.
        language_of: language label -> metadata language, None for a label without one.
        spacing: metaclip1, metaclip2, symmetric or kana.
        normalize: nfc or none.
        min_score: of a label below which the page's language counts; None for never.
    """
    matched = []
    left_out = {"no_metadata": 0, "unmatched": 0}
    for row in rows:
        language = language_of(label_of(row, min_score))
        if language is None or language not in metadata:
            language = "other"
        if language not in metadata:
            left_out["no_metadata"] += 1
            continue
        entry_ids = match_text(row["text"], metadata[language], spacing, normalize)
        if not entry_ids:
            left_out["unmatched"] += 1
            continue
        matched.append({**row, "metadata_lang": language, "entry_ids": entry_ids})
    return matched, left_out


# ---------------------------------------------------------------- screened


def screen(
    rows: Iterable[Row],
    metadata: dict[str, list[str]],
    language_of: Callable[[str], str | None],
    rules: Row,
    min_score: float | None = None,
) -> tuple[list[Row], list[Row]]:
    """The rows of `distinct` that pass all screens, and the rows of `screened` (section 6).

    Args:
        rows: of `distinct`.
        metadata: metadata language -> its entries.
        language_of: language label -> metadata language, None for a label without one.
        rules: the options by their names. host_list is a set of hosts, of which none is a public suffix, host_policies
            one of hosts, word_list has the words by language, removed the values by kind, where is a function of a
            row that returns None where a null leaves it open.
        min_score: of a label below which the page's language counts; None for never.
    """
    passed, screened = [], []
    for row in rows:
        code = language_of(label_of(row, min_score)) or "other"
        language = code if code in metadata else "other"
        reason = screen_reason(row, code, rules)
        if reason is None:
            passed.append(row)
        else:
            in_metadata = language if language in metadata else ""
            screened.append({"uid": row["uid"], "metadata_lang": in_metadata, "reason": reason})
    return passed, screened


def screen_reason(row: Row, language: str, rules: Row) -> str | None:
    """The first reason to reject a row; None for a row that passes."""
    image, page = host_of(row["url"]), host_of(row["page_url"])
    removed = rules.get("removed", {})
    if any(row[kind] in removed.get(kind, ()) for kind in ("uid", "url", "image_id")):
        return "removed"
    if is_below(image, removed.get("host", ())) or is_below(page, removed.get("host", ())):
        return "removed"
    if is_below(image, rules.get("host_list", ())) or is_below(page, rules.get("host_list", ())):
        return "host"
    if image in rules.get("host_policies", ()) or page in rules.get("host_policies", ()):
        return "host_policy"
    if not rules.get("allow_private_addresses") and is_private(image):
        return "private_address"
    words = [word.lower() for word in rules.get("word_list", {}).get(language, ())]
    if match_text(row["text"].lower(), words, rules.get("entry_spacing", "metaclip2"), rules.get("normalize", "nfc")):
        return "words"
    # Of personal data only this form is written again; the others have tests of their own.
    if rules.get("personal_data") == "reject" and re.search(r"[a-z]@[a-z]+\.(com|org|net|de)\b", row["text"].lower()):
        return "personal_data"
    characters = len(row["text"])
    if not rules.get("min_characters", 0) <= characters <= rules.get("max_characters", characters):
        return "length"
    if len(row["text"].split()) < rules.get("min_words", 0):
        return "length"
    if row["lang_score"] < rules.get("reject_lid_score_below", 0.0):
        return "language_score"
    declared = re.search(r"creativecommons\.org/[a-z]+/([a-z-]+)", row["license"].lower())
    if rules.get("licenses") and (declared is None or declared[1] not in rules["licenses"]):
        return "license"
    if rules.get("where") and rules["where"](row) is False:
        return "column"
    return None


@cache
def host_of(url: str) -> str:
    """The host of a URL, "" without one."""
    try:
        return str(URL(url).hostname)
    except ValueError:
        return ""


def is_below(host: str, listed: Iterable[str]) -> bool:
    """Whether a host is listed, or below one that is."""
    return any(host == one or host.endswith("." + one) for one in listed)


def is_private(host: str) -> bool:
    """Whether a host is an address of a private network, or a name that only such a network has."""
    if not host:
        return False
    try:
        return not ipaddress.ip_address(host.strip("[]")).is_global
    except ValueError:
        return "." not in host or host.rsplit(".", 1)[1] in ("local", "localhost", "internal", "lan", "home", "corp")


# ---------------------------------------------------------------- counts and thresholds


def count(matched: Iterable[Row], metadata: dict[str, list[str]]) -> list[Row]:
    """The rows of `counts`, by language and entry."""
    counts: dict[str, list[int]] = {}
    for row in matched:
        language = row["metadata_lang"]
        counts.setdefault(language, [0] * len(metadata[language]))
        for entry_id in row["entry_ids"]:
            counts[language][entry_id] += 1
    return [
        {
            "metadata_lang": language,
            "entry_id": entry_id,
            "entry": metadata[language][entry_id],
            "count": n,
        }
        for language in sorted(counts)
        for entry_id, n in enumerate(counts[language])
    ]


def counts_by_language(counts: Iterable[Row]) -> dict[str, list[int]]:
    """Language -> the counts of its entries, by entry id."""
    by_language: dict[str, list[int]] = {}
    for row in sorted(counts, key=lambda row: (row["metadata_lang"], row["entry_id"])):
        by_language.setdefault(row["metadata_lang"], []).append(row["count"])
    return by_language


def tail_share(counts: Iterable[int], t: int) -> float:
    """Sum of the counts below t divided by the sum of all counts; 0.0 when nothing was counted."""
    counts = list(counts)
    total = sum(counts)
    return sum(n for n in counts if n < t) / total if total else 0.0


def threshold_for_tail_share(counts: Iterable[int], p: float) -> int:
    """The count where the ascending counts' running share is first nearest to p, at least 1."""
    ascending = sorted(counts)
    total = sum(ascending)
    if not total:
        return 1
    best, smallest, running = 0, math.inf, 0
    for n in ascending:
        running += n
        distance = abs(running / total - p)
        if distance < smallest:
            best, smallest = n, distance
    return max(1, best)


def thresholds(
    matched: Iterable[Row],
    counts: Iterable[Row],
    t: int = 20_000,
    anchor_language: str = "en",
    same_t: bool = False,
    target_tail_share: float | None = None,
) -> list[Row]:
    """The rows of `thresholds`, by language.

    Raises:
        ValueError: t of the others is to follow from the anchor language, and it has no match.
    """
    matched = list(matched)
    by_language = counts_by_language(counts)
    if target_tail_share is not None:
        t_of = {
            language: threshold_for_tail_share(by_language[language], target_tail_share) for language in by_language
        }
    elif same_t:
        t_of = dict.fromkeys(by_language, t)
    else:
        if anchor_language not in by_language:
            raise ValueError(f"no match in {anchor_language}: use --same-t or --tail-share")
        p = tail_share(by_language[anchor_language], t)
        t_of = {language: threshold_for_tail_share(by_language[language], p) for language in by_language}
        t_of[anchor_language] = t
    return [
        {
            "metadata_lang": language,
            "t": t_of[language],
            "tail_share": tail_share(of_entries, t_of[language]),
            "matches": sum(of_entries),
            "entries": len(of_entries),
            "entries_unmatched": sum(n == 0 for n in of_entries),
            "pairs": sum(row["metadata_lang"] == language for row in matched),
            "expected_pairs": math.fsum(
                keep_probability(row["entry_ids"], of_entries, t_of[language])
                for row in matched
                if row["metadata_lang"] == language
            ),
        }
        for language, of_entries in sorted(by_language.items())
    ]


# ---------------------------------------------------------------- manifest

MASK = 2**64 - 1


def entry_probability(n: int, t: int) -> float:
    """min(1, t / count); 1 for an entry that was never counted."""
    return 1.0 if n <= t else t / n


def keep_probability(entry_ids: Iterable[int], counts: list[int], t: int) -> float:
    """1 minus the product of (1 - entry probability), in float64 and in the order of the ids."""
    product = 1.0
    for entry_id in entry_ids:
        product *= 1.0 - entry_probability(counts[entry_id], t)
    return 1.0 - product


def exact_keep_probability(entry_ids: Iterable[int], counts: list[int], t: int) -> Fraction:
    """The keep probability without rounding."""
    product = Fraction(1)
    for entry_id in entry_ids:
        product *= 1 - min(Fraction(1), Fraction(t, max(counts[entry_id], 1)))
    return 1 - product


def expected_pairs(matched: Iterable[Row], counts: Iterable[Row], t_of: dict[str, int]) -> float:
    """The sum of the exact keep probabilities; rounded once for each and once for the sum."""
    by_language = counts_by_language(counts)
    return math.fsum(
        float(exact_keep_probability(row["entry_ids"], by_language[language], t_of[language]))
        for row in matched
        for language in [row["metadata_lang"]]
    )


def splitmix64(x: int) -> int:
    """One step of the generator of Steele, Lea and Flood (2014) from state x, unsigned 64 bits."""
    z = (x + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def h(x: int, seed: int) -> int:
    """The hash that all randomness comes from."""
    return splitmix64(x ^ splitmix64(seed & MASK))


def draw(uid: str, seed: int) -> float:
    """A pair's draw, in [0, 1)."""
    return float((h(int(uid[:16], 16), seed) >> 11) * 2.0**-53)


def selection_key(uid: str, seed: int) -> int:
    """What the texts of an image are compared by."""
    return h(int(uid[-16:], 16), seed)


def one_text_per_image(matched: Iterable[Row], seed: int) -> list[Row]:
    """Of each image's rows the one with the smallest selection key."""
    best: dict[str, Row] = {}
    for row in matched:
        other = best.get(row["image_id"])
        if other is None or selection_key(row["uid"], seed) < selection_key(other["uid"], seed):
            best[row["image_id"]] = row
    return list(best.values())


def fate(row: Row, tables: Row, metadata_lang: str, is_removed: bool, drawing: set[str]) -> tuple[str, str]:
    """What became of a distinct pair, and the reason for which a screen rejected it.

    Args:
        row: of `distinct`.
        tables: `screened`, `matched` and `manifest`, each as rows by uid.
        metadata_lang: the language whose list is for the row; empty without one.
        is_removed: whether it was taken down after the run.
        drawing: uids of the matched pairs that may draw.
    """
    uid = row["uid"]
    if uid in tables["manifest"]:
        return "kept", ""
    if uid in tables["screened"]:
        return "screened", tables["screened"][uid]["reason"]
    if uid in tables["matched"]:
        if is_removed:
            return "removed", ""
        return ("not_drawn", "") if uid in drawing else ("other_text", "")
    return ("unmatched", "") if metadata_lang else ("no_metadata", "")


def manifest_rows(
    matched: Iterable[Row],
    counts: Iterable[Row],
    thresholds: Iterable[Row],
    seed: int,
    texts_per_image: str = "all",
) -> list[Row]:
    """The rows of `manifest`, sorted by uid (their order in the files is not the specification's).

    Args:
        matched: rows of `matched`.
        counts: rows of `counts`.
        thresholds: rows of `thresholds`; metadata_lang and t are used.
        seed: of the draws.
        texts_per_image: all, or one.
    """
    by_language = counts_by_language(counts)
    t_of = {row["metadata_lang"]: row["t"] for row in thresholds}
    kept = []
    for row in one_text_per_image(matched, seed) if texts_per_image == "one" else matched:
        language = row["metadata_lang"]
        probability = keep_probability(row["entry_ids"], by_language[language], t_of[language])
        drawn = draw(row["uid"], seed)
        if drawn < probability:
            kept.append({**row, "keep_probability": probability, "draw": drawn})
    return sorted(kept, key=lambda row: row["uid"])
