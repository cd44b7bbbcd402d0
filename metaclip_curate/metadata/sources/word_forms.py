"""From case-folded words, as frequency lists have them, to entries for case-sensitive matching.

Left out are

- words with a digit (wordfreq writes 0 for the digits of long numbers) and those without a letter;
- words with one of , . ; : ? ! ` which a text sets apart with spaces, so that the word could not match (spec
  section 2), and with any sign that does not belong inside words;
- words of one character (a, I, y, も), except Han characters and Hangul syllables, which are words or parts with a
  meaning: a letter says nothing about a picture.

Matching is case-sensitive and wordfreq is case-folded, so in scripts with case each word is followed by the other
forms in which it is written: with a capital (Berlin; German nouns; titles and the starts of sentences), and for words
of at most four characters all in capitals (acronyms and logos: USA, BMW, LOGO). Measured on 2,119 different alt and
title texts that the language-ID model calls English, of about 460 web and news pages, with the 20,000 commonest words
and without the numbers: 60 % match as folded, 83 % with capitals (twice the entries), 84.6 % with short words in
capitals too (8 % more), 85.0 % with every word in capitals (39 % more again). 111 Russian texts gain more from the
last (76 to 80 %), which is left out all the same. Some forms stand in no text (usa, Bmw); they cost an entry that
never matches. What is particular:

- Turkish: the capitals of dotted and dotless i are İ and I (Unicode's SpecialCasing.txt): istanbul gives İstanbul.
- Dutch: ij at the start is one letter: ijs gives IJs.
- Greek: case folding turned the final ς into its other small form; it is put back. All in capitals has no accents.
- Romanian: wordfreq writes ș and ț; the older ş and ţ of many pages are added.
- Serbian: each word stands in Cyrillic and in Latin letters.
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
    """The forms in which a case-folded word is written: as it is, with a capital, and if short all in capitals.

    Args:
        word: a word of one character or more.
        language: its Wikipedia code, for the rules that the module's description lists.

    Returns:
        One to three different forms, or twice as many where a language spells a word in two ways.
    """
    found: list[str] = []
    for spelling in _spellings(word, language):
        found += [spelling, _capitalised(spelling, language)]
        if len(spelling) <= LONGEST_ACRONYM:
            found.append(_upper(spelling, language))
    return list(dict.fromkeys(found))


def is_usable(word: str) -> bool:
    """Whether a word may become an entry: the rules of the module's description, without those about case."""
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
    """A small Latin Serbian word in Cyrillic letters, or None where a letter has no counterpart (q, w, x, y).

    dž, lj and nj are read as one letter, which is wrong in a few words (nadživeti, injekcija).
    """
    for latin, cyrillic in _SERBIAN_DIGRAPHS:
        word = word.replace(latin, cyrillic)
    letters = [_SERBIAN_LETTERS.get(letter, letter) for letter in word]
    return None if any(letter.isascii() and letter.isalpha() for letter in letters) else "".join(letters)


def _stands_alone(character: str) -> bool:
    """Whether one character may be an entry: Han characters and Hangul syllables."""
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
