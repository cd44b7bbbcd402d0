"""A plain reader of WATs: the standard library, one text at a time.

It does the work of `read_pairs` (columns, opt-out, deduplication, counts) as a first version would, and is the baseline
of the benchmark's ratios. It resolves URLs by urllib, which differs from browsers in some rows.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pyarrow as pa

from metaclip_curate.schemas import PAIRS

Predict = Callable[[str], tuple[str, float]]

_SOURCES = ("alt", "title", "data-image-title")
_SEPARATORS = re.compile(r"[\s,;:]+")


def read_plain(path: Path, predict: Predict | None = None) -> tuple[pa.Table, Counter[str]]:
    """Reads a well-formed WAT.

    Args:
        path: Path of the compressed file.
        predict: Identifies the language of a text; called for every text, and only for its time.

    Returns:
        The pairs, and counts by the names of `schemas.INPUTS`.
    """
    rows: list[dict[str, Any]] = []
    seen: set[str] = set()
    counts: Counter[str] = Counter()
    for headers, block in _records(path):
        counts["records"] += 1
        if headers["warc-type"] != "metadata":
            continue
        payload = json.loads(block)["Envelope"]["Payload-Metadata"]
        response = payload.get("HTTP-Response-Metadata", {})
        html = response.get("HTML-Metadata", {})
        links = [link for link in html.get("Links", []) if link.get("path") == "IMG@/src"]
        counts["image_links"] += len(links)
        if not links:
            continue
        head = html.get("Head", {})
        if _opts_out(response.get("Headers", {}), head.get("Metas", [])):
            counts["dropped_opt_out"] += len(links)
            continue
        page_url = headers["warc-target-uri"]
        base = _resolve(page_url, head.get("Base", "")) or page_url
        for link in links:
            texts = [(text, source) for source in _SOURCES if (text := _clean(link.get(source, "")))]
            if not texts:
                counts["dropped_no_text"] += 1
                continue
            url = _resolve(base, link.get("url", ""))
            if url is None:
                counts["dropped_bad_url"] += 1
                continue
            if not url.startswith(("http://", "https://")):
                counts["dropped_not_http"] += 1
                continue
            for text, source in texts:
                counts["texts"] += 1
                if predict:
                    predict(text)
                uid = hashlib.blake2b(f"{url}\n{text}".encode(), digest_size=16).hexdigest()
                if uid in seen:
                    counts["duplicate_texts"] += 1
                    continue
                seen.add(uid)
                counts["pairs"] += 1
                rows.append(
                    {
                        "uid": uid,
                        "image_id": hashlib.sha224(url.encode()).hexdigest()[:24],
                        "url": url,
                        "text": text,
                        "text_source": source,
                        "page_url": page_url,
                        "page_lang": "",
                        "license": "",
                        "source_id": "",
                        "crawl": "",
                        "source_file": str(path),
                    }
                )
    return pa.Table.from_pylist(rows, schema=PAIRS), counts


def _records(path: Path) -> Iterator[tuple[dict[str, str], bytes]]:
    with gzip.open(path) as file:
        while file.readline():
            headers = {}
            while (line := file.readline().strip()) != b"":
                name, _, value = line.decode().partition(":")
                headers[name.lower()] = value.strip()
            yield headers, file.read(int(headers["content-length"]))
            file.read(4)


def _opts_out(headers: dict[str, Any], metas: list[dict[str, str]]) -> bool:
    statements = [(name, str(value)) for name, value in headers.items()]
    statements += [(meta.get("name", ""), meta.get("content", "")) for meta in metas]
    for name, value in statements:
        kind = name.strip().lower()
        if kind in ("robots", "x-robots-tag") and {"noai", "noimageai", "noml"} & set(_SEPARATORS.split(value.lower())):
            return True
        if kind == "tdm-reservation" and value.strip() == "1":
            return True
    for name, value in headers.items():
        signals = {signal.replace(" ", "") for signal in str(value).lower().replace(";", ",").split(",")}
        if name.lower() == "content-signal" and "ai-train=no" in signals:
            return True
    return False


def _clean(text: str) -> str:
    text = text.encode("utf-8", "replace").decode()
    return text.replace("\n", " ").replace("\r", " ").replace("\t", " ").strip()


def _resolve(base: str, url: str) -> str | None:
    url = url.encode("utf-8", "replace").decode().strip()
    if not url:
        return None
    try:
        return urljoin(base, url).partition("#")[0]
    except ValueError:
        return None
