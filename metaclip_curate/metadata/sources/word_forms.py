"""From the case-folded words of frequency lists to entries for case-sensitive matching.

These words are left out:

- words with a digit (wordfreq writes 0 for the digits of long numbers) or without a letter;
- words with one of , . ; : ? ! ` around which texts are spaced, so that the word couldn't match (spec section 2), or
  with any sign that doesn't belong inside of words;
- words of one character (a, I, y, も), which say nothing about an image, except for Han characters and Hangul
  syllables, which are words or meaningful parts of words.

Matching is case-sensitive and wordfreq is case-folded. In scripts with case, each word is therefore followed by its
other written forms: capitalised (Berlin; German nouns; titles and the starts of sentences), and for words of at most
four characters in upper case (acronyms and logos: USA, BMW, LOGO). Measured on 2,119 different alt and
title texts that the language-ID model calls English, of about 460 web and news pages, with the 20,000 commonest words
and without the numbers: 60 % match as folded, 83 % with capitals (twice the entries), 84.6 % with short words in
upper case too (8 % more), 85.0 % with every word in upper case (another 39 %). 111 Russian texts gain more from the
last (76 to 80 %), which is left out all the same. Some forms occur in no text (usa, Bmw); they cost an entry that
never matches. Rules of single languages:

- Turkish: the capitals of dotted and dotless i are İ and I (Unicode's SpecialCasing.txt): istanbul gives İstanbul.
- Dutch: ij at the start is one letter: ijs gives IJs.
- Greek: case folding turned the final ς into its other small form; it is put back. Upper case has no accents.
- Romanian: wordfreq writes ș and ț; the older ş and ţ of many pages are added.
- Serbian: each word is added in Cyrillic and in Latin letters.
"""

from __future__ import annotations

import unicodedata

LONGEST_ACRONYM = 4
_TEXT_MARKS = frozenset(",.;:?!`")
# Apostrophes, quotation marks inside Hebrew abbreviations, hyphen, middle dots, zero-width joiners.
_INSIDE_WORDS = frozenset("'\u2019\"\u05f3\u05f4-\u00b7\u30fb\u200c\u200d")
_ACUTE = "\u0301"
_SIGMA, _FINAL_SIGMA = "\u03c3", "\u03c2"
_SERBIAN_DIGRAPHS = (("dž", "џ"), ("lj", "љ"), ("nj", "њ"))
_SERBIAN_LETTERS = dict(zip("abvgdđežzijklmnoprstćufhcčš", "абвгдђежзијклмнопрстћуфхцчш", strict=True))


def forms(word: str, language: str) -> list[str]:
    """Returns the written forms of a case-folded word: as it is, capitalised and, if it is short, in upper case.

    Args:
        word: A word of at least one character.
        language: Wikipedia code of its language, for the rules in the module's docstring.

    Returns:
        One to three distinct forms, or twice as many if the language spells the word in two ways.
    """
    found: list[str] = []
    for spelling in _spellings(word, language):
        found += [spelling, _capitalised(spelling, language)]
        if len(spelling) <= LONGEST_ACRONYM:
            found.append(_upper(spelling, language))
    return list(dict.fromkeys(found))


def is_usable(word: str) -> bool:
    """Returns whether a word may become an entry, by the first list of rules in the module's docstring."""
    if len(word) == 1:
        return _stands_alone(word)
    has_letter = False
    for character in word:
        category = unicodedata.category(character)
        if character in _TEXT_MARKS or (category[0] not in "LM" and character not in _INSIDE_WORDS):
            return False
        has_letter = has_letter or category[0] == "L"
    return has_letter


def serbian_cyrillic(word: str) -> str | None:
    """Transliterates a lower-case Serbian word to Cyrillic; None if a letter has no counterpart (q, w, x, y).

    dž, lj and nj count as one letter each, which is wrong in a few words (nadživeti, injekcija).
    """
    for latin, cyrillic in _SERBIAN_DIGRAPHS:
        word = word.replace(latin, cyrillic)
    letters = [_SERBIAN_LETTERS.get(letter, letter) for letter in word]
    return None if any(letter.isascii() and letter.isalpha() for letter in letters) else "".join(letters)


def _stands_alone(character: str) -> bool:
    """Returns whether a single character may be an entry: Han characters and Hangul syllables."""
    name = unicodedata.name(character, "")
    return name.startswith(("CJK UNIFIED IDEOGRAPH", "CJK COMPATIBILITY IDEOGRAPH", "HANGUL SYLLABLE"))


def _spellings(word: str, language: str) -> list[str]:
    if language == "el" and word.endswith(_SIGMA):
        return [word[:-1] + _FINAL_SIGMA]
    if language == "ro" and ("ș" in word or "ț" in word):
        return [word, word.replace("ș", "ş").replace("ț", "ţ")]
    if language == "sr":
        cyrillic = serbian_cyrillic(word)
        return [word] if cyrillic is None else [cyrillic, word]
    return [word]


def _capitalised(word: str, language: str) -> str:
    if language == "tr" and word.startswith("i"):
        return "İ" + word[1:]
    if language == "nl" and word.startswith("ij"):
        return "IJ" + word[2:]
    return word[0].title() + word[1:]


def _upper(word: str, language: str) -> str:
    if language == "tr":
        word = word.replace("i", "İ")
    if language == "el":
        decomposed = unicodedata.normalize("NFD", word).replace(_ACUTE, "")
        word = unicodedata.normalize("NFC", decomposed)
    return word.upper()
