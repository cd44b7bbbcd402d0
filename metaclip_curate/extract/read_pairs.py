"""One file to batches of pairs: the loop that uses records, wat, links and opt_out."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa

from metaclip_curate.extract.account import InputAccount
from metaclip_curate.extract.links import Drop, Page, document_base, link_texts, resolve_url
from metaclip_curate.extract.records import Record, read_records
from metaclip_curate.extract.wat import WatDecoder, crawl_of_warcinfo
from metaclip_curate.schemas import PAIRS
from metaclip_curate.storage import InputError, StorageOptions, open_input

# Old crawls are named by years (CC-MAIN-2009-2010, CC-MAIN-2012); CC-MAIN-20230127001911-... is a segment's file.
_CRAWL_IN_PATH = re.compile(r"CC-MAIN-\d{4}(?:-\d{2}(?:\d{2})?)?(?![\d-])")
# Languages of a file's texts are remembered up to this many characters of text, about 100 MB.
_REMEMBERED_CHARACTERS = 1 << 24


class Identifier(Protocol):
    """What identifies languages; `language.LanguageIdentifier` is one."""

    def identify(self, texts: pa.Array) -> tuple[pa.Array, pa.Array]:
        """Returns a label (string) and its probability (float32) for each text."""


@dataclass(frozen=True)
class ReadOptions:
    """How files are read."""

    ignore_opt_out: bool = field(
        default=False, metadata={"help": "use pages that say noai, noimageai or tdm-reservation"}
    )
    max_record_bytes: int = field(default=32 << 20, metadata={"help": "skip records longer than this many bytes"})
    batch_rows: int = 8192


def read_pairs(
    path: str,
    identifier: Identifier | None = None,
    options: ReadOptions | None = None,
    storage: StorageOptions | None = None,
    account: InputAccount | None = None,
) -> Iterator[pa.RecordBatch]:
    """Reads the image-text pairs of one WAT file.

    Damage never raises: all that is readable is yielded and `account` says what was lost.

    Args:
        path: A local path or a URL that `storage.open_input` takes.
        identifier: Labels the language of each text; without one `lang` is empty and `lang_score` 0.
        options: How to read.
        storage: How to open.
        account: Filled in while reading, complete when the iterator ends.

    Yields:
        Batches with the schema `schemas.PAIRS`, each (url, text) of the file once.

    Raises:
        InputError: The file can't be opened or holds no record, and no account was given to note it in.
    """
    options = options or ReadOptions()
    noted = account or InputAccount(path)
    started = time.monotonic()
    try:
        with open_input(path, storage or StorageOptions()) as stream:
            try:
                records = read_records(stream, noted, options.max_record_bytes)
                yield from _PairBuilder(path, identifier, options, noted).batches(records)
            finally:
                noted.bytes_read = stream.bytes_read
    except InputError as error:
        # What was read before a connection was given up stays.
        if noted.records:
            noted.damaged(error.reason)
        else:
            noted.failed(error.reason)
    noted.seconds = time.monotonic() - started
    if noted.status == "failed" and account is None:
        raise InputError(path, noted.error)


class _PairBuilder:
    """Turns the records of one file into batches."""

    def __init__(self, path: str, identifier: Identifier | None, options: ReadOptions, account: InputAccount) -> None:
        self._path = path
        self._identifier = identifier
        self._options = options
        self._account = account
        self._decoder = WatDecoder()
        self._seen: set[bytes] = set()
        self._languages: dict[str, tuple[str, float]] = {}
        self._remembered = 0
        found = _CRAWL_IN_PATH.search(path)
        self._crawl = found.group() if found else ""

    def batches(self, records: Iterator[Record]) -> Iterator[pa.RecordBatch]:
        rows: list[tuple[str, str, str, str, str, str]] = []
        described = False  # whether any record is one that a WAT consists of
        for record in records:
            headers = record.headers
            if not described and not self._crawl:
                # A file begins with what it says about itself.
                self._crawl = crawl_of_warcinfo(record.body)
            if headers.get("warc-type") != "metadata" or "json" not in headers.get("content-type", "json"):
                continue
            described = True
            try:
                page = self._decoder.page(record.body, headers.get("warc-target-uri", ""))
            except ValueError as error:
                self._account.records_skipped += 1
                self._account.damaged(f"a record is not JSON: {error}")
                continue
            if page is not None:
                self._add_page(page, rows)
            if len(rows) >= self._options.batch_rows:
                yield self._batch(rows)
                rows = []
        if rows:
            yield self._batch(rows)
        if not described:
            self._account.failed(
                self._account.error or f"no WAT: it holds {self._account.records} WARC records, none of a WAT"
            )

    def _add_page(self, page: Page, rows: list[tuple[str, str, str, str, str, str]]) -> None:
        account = self._account
        account.image_links += len(page.links)
        if page.opted_out and not self._options.ignore_opt_out:
            account.dropped_opt_out += len(page.links)
            return
        base = document_base(page.url, page.base)
        page_url = page.url
        for link in page.links:
            texts = link_texts(link)
            if not texts:
                account.dropped_no_text += 1
                continue
            url = resolve_url(link.url, base)
            if isinstance(url, Drop):
                if url is Drop.BAD_URL:
                    account.dropped_bad_url += 1
                else:
                    account.dropped_not_http += 1
                continue
            url_bytes = url.encode()
            for text, source in texts:
                account.texts += 1
                digest = hashlib.blake2b(url_bytes + b"\n" + text.encode(), digest_size=16)
                key = digest.digest()
                if key in self._seen:
                    account.duplicate_texts += 1
                    continue
                self._seen.add(key)
                account.pairs += 1
                image_id = hashlib.sha224(url_bytes).hexdigest()[:24]
                rows.append((digest.hexdigest(), image_id, url, text, source, page_url))

    def _batch(self, rows: list[tuple[str, str, str, str, str, str]]) -> pa.RecordBatch:
        uids, image_ids, urls, texts, sources, page_urls = map(list, zip(*rows, strict=True))
        languages, scores = self._identify(texts)
        columns = [
            pa.array(uids, pa.string()),
            pa.array(image_ids, pa.string()),
            pa.array(urls, pa.string()),
            pa.array(texts, pa.string()),
            pa.array(sources, pa.string()),
            pa.array(languages, pa.string()),
            pa.array(scores, pa.float32()),
            pa.array(page_urls, pa.string()),
            pa.repeat(pa.scalar(self._crawl, pa.string()), len(rows)),
            pa.repeat(pa.scalar(self._path, pa.string()), len(rows)),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=PAIRS)

    def _identify(self, texts: list[str]) -> tuple[list[str], list[float]]:
        """Labels each different text of the file once, as far as they are remembered."""
        if self._identifier is None:
            return [""] * len(texts), [0.0] * len(texts)
        known = self._languages
        fresh = [text for text in dict.fromkeys(texts) if text not in known]
        labels, scores = self._identifier.identify(pa.array(fresh, pa.string()))
        known.update(zip(fresh, zip(labels.to_pylist(), scores.to_pylist(), strict=True), strict=True))
        found = [known[text] for text in texts]
        self._remembered += sum(map(len, fresh))
        if self._remembered > _REMEMBERED_CHARACTERS:
            self._languages, self._remembered = {}, 0
        return [label for label, _ in found], [score for _, score in found]
