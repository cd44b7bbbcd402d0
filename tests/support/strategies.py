"""Hypothesis strategies for texts and metadata entries of many scripts.

Characters come from a few per script rather than from all of Unicode, so that entries occur in
texts, overlap, nest and repeat; among them are the first and last character of every range of the
specification, and the neighbours just outside.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st

_SHARE_OF_EXAMPLES = float(os.environ.get("SHARE_OF_EXAMPLES", "1"))

TEXT_MARKS = ",.;:?!`"

# Written with spaces between words: the first letters of each are enough for words to collide.
SPACED_SCRIPTS = {
    "Latin": "abAé",
    "Cyrillic": "яЖ",
    "Greek": "αΣ",
    "Arabic": "اب\u064b",
    "Hebrew": "אב",
    "Devanagari": "कि\u094d",
    "Hangul": "한글",
    "Kana": "かカー",
    "Katakana": "カヴ\u30a0\u30ff\u31f0\u31ff\uff66\uff9f\u3099\u309a",
    "Hiragana": "かが\u3040\u309f\u3099",
    "beside katakana": "\u3100\u30fb\u31ef\u3200\uff65\uffa0",
    "digits": "017٣",
    "emoji": "😀👩\u200d👧\ufe0f🇩🇪",
    "combining": "e\u0301",
    "composed by NFC": "\u1112\u1161\u11ab\u00e9\u212b",
    "decomposed by NFC": "\u0958\u0915\u093c",
}

# Written without: a few characters inside, and both ends of every range.
UNSPACED_SCRIPTS = {
    "CJK": "猫世界\u4e00\u9fff\u3400\u4dbf\U00020000\U0002a6df\U0002a700\U0002ebef",
    "CJK compatibility": "\uf900\ufaff\u2e80\u2fdf\u2ff0\u2fff",
    "Thai": "กา\u0e00\u0e7f",
    "Lao": "ກາ\u0e80\u0eff",
    "Burmese": "မာ\u1000\u109f",
    "Khmer": "កា\u1780\u17ff",
    "Tibetan": "བོ་\u0f00\u0fff",
}

JUST_OUTSIDE = "\u4dff\ua000\u33ff\u4dc0\U0001ffff\U0002a6e0\U0002a6ff\U0002ebf0\uf8ff\ufb00"
JUST_OUTSIDE += "\u2e7f\u2fe0\u2fef\u3000\u0dff\u10a0\u177f\u1800"

ASCII_PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
OTHER_PUNCTUATION = "，。、；：？！“”‘’（）【】《》〈〉「」『』～—"
# The last two are `;` and a backtick in NFC.
UNLISTED_PUNCTUATION = "·…–〔〕¿«»،।\u037e\u1fef"

# The space most of all; the three that become one; others that stay.
WHITESPACE = "    \t\n\r\u00a0\u2003\u202f\u3000\u2028\x0b\x0c\x1f\x85"
# Four that NFC comparison leaves out, and two that it keeps.
INVISIBLE = "\u00ad\u200b\u2060\ufeff\u200c\u200d"
# What an implementation could use to separate texts.
CONTROLS = "\x00\x01\x1e\x7f\ufffd\uffff"

_ALPHABETS = [
    *SPACED_SCRIPTS.values(),
    *UNSPACED_SCRIPTS.values(),
    *[TEXT_MARKS] * 3,
    *[" "] * 6,
    *[WHITESPACE] * 2,
    INVISIBLE,
    JUST_OUTSIDE,
    ASCII_PUNCTUATION,
    OTHER_PUNCTUATION,
    UNLISTED_PUNCTUATION,
    CONTROLS,
]


def characters() -> st.SearchStrategy[str]:
    """One character of any of the scripts, of punctuation, white space or a control."""
    return st.sampled_from(_ALPHABETS).flatmap(st.sampled_from)


def words() -> st.SearchStrategy[str]:
    """A short run of characters of one script."""
    alphabets = [*SPACED_SCRIPTS.values(), *UNSPACED_SCRIPTS.values()]
    return st.sampled_from(alphabets).flatmap(lambda chars: st.text(chars, min_size=1, max_size=3))


def pieces() -> st.SearchStrategy[str]:
    """A word, a character of any kind, or a space."""
    return st.one_of(words(), characters(), st.just(" "))


def texts(max_pieces: int = 10) -> st.SearchStrategy[str]:
    """A text of mixed scripts; it may be empty, and its ends are not stripped."""
    return st.lists(pieces(), max_size=max_pieces).map("".join)


def uids() -> st.SearchStrategy[str]:
    """32 lower-case hex digits, often near the ends of the two halves' range."""
    halves = st.one_of(
        st.integers(0, 2**64 - 1),
        st.sampled_from([0, 1, 2**63 - 1, 2**63, 2**64 - 1]),
    )
    return st.builds("{:016x}{:016x}".format, halves, halves)


def examples(count: int = 100) -> settings:
    """Returns the settings of a property: `count` examples, or a tenth of them in `make test-fast`."""
    return settings(max_examples=max(10, round(count * _SHARE_OF_EXAMPLES)), deadline=None)


@dataclass(frozen=True)
class Corpus:
    """Texts, and entries of which many occur in them."""

    texts: list[str]
    entries: list[str]


@st.composite
def corpora(draw: st.DrawFn) -> Corpus:
    """Texts, and entries cut out of them, nested, overlapping, repeated, empty, and unrelated."""
    some_texts = draw(st.lists(texts(), max_size=6))
    sources = [*some_texts, *(_spaced(text) for text in some_texts), " ".join(some_texts)]
    entries = draw(st.lists(texts(max_pieces=3), max_size=4))
    for _ in range(draw(st.integers(0, 8))):
        source = draw(st.sampled_from(sources))
        start = draw(st.integers(0, len(source)))
        entries.append(source[start : start + draw(st.integers(0, 5))])
    for _ in range(draw(st.integers(0, 4))):
        entry = draw(st.sampled_from(entries)) if entries else ""
        # A part of another entry, the entry with more before it, or the same once more.
        start = draw(st.integers(0, len(entry)))
        wider = draw(characters()) + entry
        entries.append(draw(st.sampled_from([entry[start:], entry[:start], wider, wider[1:], " "])))
    return Corpus(some_texts, draw(st.permutations(entries)))


def _spaced(text: str) -> str:
    """A text with spaces around its marks, so that pieces of it look like spaced entries."""
    return "".join(f" {char} " if char in TEXT_MARKS else char for char in text)
