"""Plain text to tokens, in runs of adjacent tokens.

A token is a string that matching can find as a word of its own (spec section 2, matched): letters, marks and digits of
any script, case kept, with these inside of a word:

- apostrophes and hyphens between letters or digits: l'homme, rock-n-roll, 19-jährig;
- zero-width joiner and non-joiner (Persian, Indic scripts); a middle dot between Latin letters (Catalan col·lega);
  gershayim, or the quotation mark that is typed for it, between Hebrew letters.

Everything else ends a token, including `.` and `,` inside of numbers, which matching puts between spaces. Tokens are
adjacent if only spaces are between them. Punctuation, symbols, line breaks and U+FFFC (content that was left out) end
a run, so no bigram crosses a comma or the end of a sentence. The tokens of a bigram are joined as in the text, by a
space.

Languages written without spaces:

| languages | segments | joined by |
| --- | --- | --- |
| th lo km my rki, ja, zh zh_classical zh_yue gan wuu | ICU's words, by dictionaries (package icu4py) | nothing |
| bo dz | syllables, which the tsheg separates; most words have two, and these are bigrams | the tsheg |
| shn mnw blk | syllables: a consonant begins one unless it is killed or stacked | nothing |
| ii | characters, each a syllable | nothing |
| tdd | as words of other languages: its texts have spaces between syllables | a space |

In these languages a space ends a run, so that a bigram is always a substring of a text. Words of other languages in
such a text (iPhone) are tokens too. Soft hyphens and direction marks are removed, and URLs (https://...) count as left
out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import regex
from icu4py.breakers import WordBreaker

from metaclip_curate.metadata.wikipedia import LEFT_OUT

LONGEST_TOKEN = 256  # characters; longer tokens count as left out, since no entry is that long

Kind = Literal["spaces", "icu", "tsheg", "myanmar", "yi"]

_ICU = {language: language for language in ("th", "lo", "km", "my", "ja", "zh")} | {
    "rki": "my",
    "zh_classical": "zh",
    "zh_yue": "zh",
    "gan": "zh",
    "wuu": "zh",
}
_KINDS: dict[str, Kind] = {
    "bo": "tsheg",
    "dz": "tsheg",
    "shn": "myanmar",
    "mnw": "myanmar",
    "blk": "myanmar",
    "ii": "yi",
}
_JOINERS: dict[Kind, str] = {"spaces": " ", "icu": "", "tsheg": "\u0f0b", "myanmar": "", "yi": ""}

_BORDER = "\x1f"  # between segments; a control character, which XML doesn't allow
_LETTERS = r"[\p{L}\p{M}\p{N}]"
_INSIDE = (
    r"(?:['\u2019\u2010\u2011\u200c\u200d-]"
    r"|(?<=\p{Latin})\u00b7(?=\p{Latin})"
    r"|(?<=\p{Hebrew})[\"\u05f3\u05f4](?=\p{Hebrew}))"
)
_TOKEN = rf"{_LETTERS}+(?:{_INSIDE}{_LETTERS}+)*+"
_BETWEEN = {"spaces": r"[\p{Zs}\t]+", "tsheg": "[\u0f0b\u0f0c]"}
_INVISIBLE = regex.compile(r"[\u00ad\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]+")
_ADDRESS = regex.compile(r"\b(?:https?://|ftp://|www\.)\S+", regex.IGNORECASE)
# Ye Kyaw Thu's rule for Burmese (sylbreak) for all letters of the script: U+103A kills a consonant, U+1039 stacks one.
_MYANMAR_SYLLABLE = regex.compile(r"(?V1)(?<=\p{Myanmar})(?<!\u1039)(?=[\p{Myanmar}&&\p{Lo}])(?!.[\u103a\u1039])")
# ICU splits names that its dictionaries lack. Borders within katakana, and inside of Burmese syllables, are removed.
_NO_BORDER = regex.compile(
    rf"(?<=[\p{{Katakana}}\u30fc]){_BORDER}(?=[\p{{Katakana}}\u30fc])|{_BORDER}(?=\p{{Myanmar}}[\u1039\u103a])|(?<=\u1039){_BORDER}"
)
_YI_SYLLABLE = regex.compile(r"(?<=\p{Yi})(?=\p{Yi})")


class Segmenter:
    """Splits texts of one language into tokens.

    Attributes:
        joiner: String between the two tokens of a bigram.
    """

    def __init__(self, language: str) -> None:
        """Compiles the patterns of a language.

        Args:
            language: Code of its Wikipedia.
        """
        kind: Kind = "icu" if language in _ICU else _KINDS.get(language, "spaces")
        self.joiner = _JOINERS[kind]
        self._split = _splitter(kind, _ICU.get(language, ""))
        between = _BETWEEN.get(kind, f"{_BORDER}+")
        self._run = regex.compile(f"{_TOKEN}(?:{between}{_TOKEN})*+")
        self._between = regex.compile(between)

    def runs(self, text: str) -> Iterator[list[str]]:
        """Yields the tokens of a text in runs; each two successive tokens of a run are a bigram.

        Args:
            text: Plain text, in which U+FFFC marks content that was left out.
        """
        text = _ADDRESS.sub(LEFT_OUT, _INVISIBLE.sub("", text).replace(_BORDER, " "))
        for run in self._run.findall(self._split(text)):
            tokens = self._between.split(run)
            if len(run) <= LONGEST_TOKEN or max(map(len, tokens)) <= LONGEST_TOKEN:
                yield tokens
            else:
                yield from _without_long(tokens)


def _splitter(kind: Kind, locale: str) -> Callable[[str], str]:
    """Returns the function that inserts borders between segments."""
    if kind == "icu":
        return lambda text: _icu_segments(text, locale)
    if kind == "myanmar":
        return lambda text: str(_MYANMAR_SYLLABLE.sub(_BORDER, text))
    if kind == "yi":
        return lambda text: str(_YI_SYLLABLE.sub(_BORDER, text))
    return lambda text: text


def _icu_segments(text: str, locale: str) -> str:
    # A zero-width space marks the end of a word, in the few texts that have it.
    segments = _BORDER.join(WordBreaker(text, locale)).replace("\u200b", "")
    return str(_NO_BORDER.sub("", segments))


def _without_long(tokens: list[str]) -> Iterator[list[str]]:
    run: list[str] = []
    for token in tokens:
        if len(token) <= LONGEST_TOKEN:
            run.append(token)
        elif run:
            yield run
            run = []
    if run:
        yield run
