"""Conversion of HTML pages to UTF-8.

The encoding is determined in the HTML standard's order: byte order mark, HTTP header, meta element, and without these
by detection. Labels have the meaning of the WHATWG encoding standard, in which iso-8859-1 is windows-1252 and gb2312 is
gb18030.
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
# The standard requires 1024 bytes and allows more, which pages with long scripts before the meta element need.
_META_BYTES = 1 << 16
_META_STEP = 1 << 12
_DETECTED_BYTES = 1 << 16
_NOT_ASCII = re.compile(rb"[\x80-\xff\x1b]")
# Introduces two-byte characters in iso-2022-jp, which is ASCII otherwise.
_JIS_ESCAPE = b"\x1b$"
# Texts in other encodings have hardly any valid UTF-8 sequences, damaged UTF-8 texts hardly any invalid ones.
_VALID_PER_INVALID = 8
# Encodings of pages without a label: the standard's, except UTF-16, which browsers don't guess either.
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
    """Converts a page to UTF-8.

    Args:
        body: The page as it was sent, without content coding.
        content_type: Value of the Content-Type header, which may name a charset.

    Returns:
        Valid UTF-8 without a byte order mark, with U+FFFD for bytes that can't be decoded.
    """
    for mark, name in _BYTE_ORDER_MARKS:
        if body.startswith(mark):
            return _recoded(body[len(mark) :], codecs.lookup(name))
    return _recoded(body, _codec(_charset_of(content_type)) or _declared_codec(body) or _detected_codec(body))


def _recoded(body: bytes, codec: codecs.CodecInfo) -> bytes:
    text, _ = codec.decode(body, "replace")
    return text.encode("utf-8", "replace")


def _charset_of(value: str) -> str:
    """Returns the charset of a content type, from an HTTP header or a meta element; empty if it has none."""
    found = _CHARSET.search(value)
    return next(filter(None, found.groups()), "") if found else ""


def _codec(label: str) -> codecs.CodecInfo | None:
    """Returns the codec of a label; None if the standard doesn't have the label."""
    encoding = webencodings.lookup(label)
    if encoding is None:
        return None
    # The standard decodes gbk as gb18030, of which Python's gbk is a part.
    return codecs.lookup("gb18030") if encoding.name == "gbk" else encoding.codec_info


def _declared_codec(body: bytes) -> codecs.CodecInfo | None:
    """Returns the codec that a page declares in a meta element, or else in an XML declaration; None without one."""
    codec = _meta_codec(body)
    if codec is None:
        declaration = _XML_DECLARATION.match(body)
        codec = _codec(declaration[1].decode("latin-1")) if declaration else None
    if codec is not None and codec.name.startswith("utf-16"):
        # The declaration is readable as ASCII, so it can't be true; the standard prescribes UTF-8.
        return codecs.lookup("utf-8")
    return codec


class _MetaCodec:
    """Receives a page's tags, and keeps the first encoding that a meta element declares."""

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
        """Does nothing at the end of a page."""


def _meta_codec(body: bytes) -> codecs.CodecInfo | None:
    found = _MetaCodec()
    # Any superset of ASCII will do, since the tags and labels are ASCII.
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
    # The bytes before it are ASCII markup and scripts, which give no hint.
    sample = body[max(0, first.start() - 64) :][:_DETECTED_BYTES]
    guess = chardet.detect(sample, include_encodings=_GUESSABLE, no_match_encoding="windows-1252", compat_names=False)
    return codecs.lookup(guess["encoding"] or "windows-1252")


def _is_mostly_utf8(body: bytes) -> bool:
    text = body.decode("utf-8", "replace")
    invalid = text.count("\ufffd")
    valid = len(text) - len(text.encode("ascii", "ignore")) - invalid
    return not invalid or valid > _VALID_PER_INVALID * invalid
