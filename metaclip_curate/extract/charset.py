"""The bytes of an HTML page to UTF-8.

The order is the HTML standard's (determining the character encoding): byte order mark, HTTP header, meta element, and
where nothing tells, detection. Labels and what they stand for are the WHATWG encoding standard's, by which iso-8859-1
is windows-1252 and gb2312 is gb18030.
"""

from __future__ import annotations

import codecs
import re

import chardet
import webencodings
from lxml import etree

_BYTE_ORDER_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_BE, "utf-16-be"), (codecs.BOM_UTF16_LE, "utf-16-le"))
_CHARSET = re.compile(r"charset\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s;,\"']+))", re.IGNORECASE)
_XML_DECLARATION = re.compile(rb"\s*<\?xml\b[^>]{0,256}?\bencoding\s*=\s*[\"']([\w.:-]{1,64})[\"']")
# The standard asks for 1024 bytes and lets a browser go on; pages with long scripts before the meta need more.
_META_BYTES = 1 << 16
_META_STEP = 1 << 12
_DETECTED_BYTES = 1 << 16
_NOT_ASCII = re.compile(rb"[\x80-\xff\x1b]")
# Starts characters of two bytes in iso-2022-jp, which is ASCII otherwise.
_JIS_ESCAPE = b"\x1b$"
# A text in another encoding has next to no valid UTF-8 sequences, a damaged UTF-8 text next to no invalid ones.
_VALID_PER_INVALID = 8
# What web pages without a label are written in: the standard's encodings without UTF-16, which browsers don't guess.
_GUESSABLE = (
    "big5",
    "euc-jp",
    "euc-kr",
    "gb18030",
    "iso-2022-jp",
    "shift_jis",
    "koi8-r",
    "koi8-u",
    "windows-874",
    *(f"iso-8859-{part}" for part in (2, 5, 6, 7, 15)),
    *(f"windows-{page}" for page in range(1250, 1259)),
)


def as_utf8(body: bytes, content_type: str) -> bytes:
    """Recodes a page to UTF-8.

    Args:
        body: The page as it was sent, without content coding.
        content_type: The value of the HTTP header, which may name a charset.

    Returns:
        Valid UTF-8 without a byte order mark. What can't be decoded became U+FFFD.
    """
    for mark, name in _BYTE_ORDER_MARKS:
        if body.startswith(mark):
            return _recoded(body[len(mark) :], codecs.lookup(name))
    return _recoded(body, _codec(_charset_of(content_type)) or _declared_codec(body) or _detected_codec(body))


def _recoded(body: bytes, codec: codecs.CodecInfo) -> bytes:
    text, _ = codec.decode(body, "replace")
    return text.encode("utf-8", "replace")


def _charset_of(value: str) -> str:
    """The charset of a content type, in an HTTP header or in a meta element's content; empty where it names none."""
    found = _CHARSET.search(value)
    return next(filter(None, found.groups()), "") if found else ""


def _codec(label: str) -> codecs.CodecInfo | None:
    """What decodes the encoding that a label stands for; None for a label that the standard doesn't know."""
    encoding = webencodings.lookup(label)
    if encoding is None:
        return None
    # The standard decodes gbk as gb18030, which Python's gbk holds a part of.
    return codecs.lookup("gb18030") if encoding.name == "gbk" else encoding.codec_info


def _declared_codec(body: bytes) -> codecs.CodecInfo | None:
    """The encoding that a page names itself, in a meta element or else in an XML declaration."""
    codec = _meta_codec(body)
    if codec is None:
        declaration = _XML_DECLARATION.match(body)
        codec = _codec(declaration[1].decode("latin-1")) if declaration else None
    if codec is not None and codec.name.startswith("utf-16"):
        # The declaration could be read as ASCII, so it can't be true; the standard takes UTF-8.
        return codecs.lookup("utf-8")
    return codec


class _MetaCodec:
    """Receives a page's tags and keeps the first encoding that a meta element names."""

    def __init__(self) -> None:
        self.codec: codecs.CodecInfo | None = None
        self.in_body = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "body":
            self.in_body = True
        if tag != "meta" or self.codec is not None:
            return
        if "charset" in attributes:
            self.codec = _codec(attributes["charset"])
        elif attributes.get("http-equiv", "").strip().lower() == "content-type":
            self.codec = _codec(_charset_of(attributes.get("content", "")))

    def close(self) -> None:
        """Called at the end of a page; nothing is left to do."""


def _meta_codec(body: bytes) -> codecs.CodecInfo | None:
    found = _MetaCodec()
    # Any encoding that keeps ASCII will do: the tags and labels looked for are ASCII.
    parser = etree.HTMLParser(target=found, encoding="iso-8859-1")
    for start in range(0, min(len(body), _META_BYTES), _META_STEP):
        parser.feed(body[start : start + _META_STEP])
        if found.codec is not None or found.in_body:
            break
    return found.codec


def _detected_codec(body: bytes) -> codecs.CodecInfo:
    first = _NOT_ASCII.search(body)
    if first is None or (_JIS_ESCAPE not in body and _is_mostly_utf8(body)):
        return codecs.lookup("utf-8")
    # What comes before is markup and scripts in ASCII, which tell nothing.
    sample = body[max(0, first.start() - 64) :][:_DETECTED_BYTES]
    guess = chardet.detect(sample, include_encodings=_GUESSABLE, no_match_encoding="windows-1252", compat_names=False)
    return codecs.lookup(guess["encoding"] or "windows-1252")


def _is_mostly_utf8(body: bytes) -> bool:
    text = body.decode("utf-8", "replace")
    invalid = text.count("\ufffd")
    valid = len(text) - len(text.encode("ascii", "ignore")) - invalid
    return not invalid or valid > _VALID_PER_INVALID * invalid
