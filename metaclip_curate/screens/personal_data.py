"""Personal data in texts: e-mail addresses, telephone numbers, payment cards and IBANs that check.

A number counts only if its kind can be told from its form: telephone numbers by the numbering plans of their countries
(the package phonenumbers, Google's libphonenumber), cards by issuer and Luhn's sum (ISO/IEC 7812-1), IBANs by country,
length and the sum modulo 97 (ISO 13616). Names, addresses and faces aren't found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import stdnum.iban
import stdnum.luhn

from metaclip_curate.matching.normalization import INVISIBLE
from metaclip_curate.screens.pairs import Mask
from metaclip_curate.screens.public_suffixes import top_level_domains

Kind = Literal["email", "phone", "card", "iban"]

# What a text has at least if it has any of the four; RE2's syntax.
_SUSPECT = r"[@＠﹫]|(?:\p{Nd}\P{Nd}{0,4}){7}"
_EMAIL = re.compile(r"(?<![\w.+-])[A-Za-z0-9][\w.+-]*@((?:[A-Za-z0-9-]+\.)+([A-Za-z]{2,24}))(?![\w-])")
_CARD = re.compile(r"(?<![\d.,/_=-])\d(?:[ .-]?\d){12,18}(?![\d/_=]|[.,-]\d)")
_GROUPED_CARD = re.compile(r"\d{4}([ .-]?)\d{4}\1\d{4}\1\d{1,7}|\d{4}([ .-]?)\d{6}\2\d{4,5}")
# Issuers by the first digits, and the numbers of digits of their cards (ISO/IEC 7812; issuers' public documents).
_ISSUERS = (
    (re.compile(r"4"), (13, 16, 19)),  # Visa
    (re.compile(r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), (16,)),  # Mastercard
    (re.compile(r"3[47]"), (15,)),  # American Express
    (re.compile(r"6011|64[4-9]|65"), (16, 19)),  # Discover
    (re.compile(r"35(?:2[89]|[3-8])"), (16,)),  # JCB
    (re.compile(r"30[0-5]|36|38"), (14,)),  # Diners Club
    (re.compile(r"62"), (16, 17, 18, 19)),  # UnionPay
)
# Of capitals, or of small letters only, as some type them; a sentence that goes on in the other case ends it.
_IBAN = re.compile(
    r"(?<![A-Za-z0-9])(?:[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}(?![a-z0-9])|[a-z]{2}\d{2}(?: ?[a-z0-9]){11,30}(?![A-Z0-9]))"
)
_SHORTEST_IBAN = 15
# Words and signs before a number that make it a telephone number even if it is written without groups.
_ANNOUNCED = re.compile(
    r"(?:\b(?:tel|tél|telefon\w*|teléfono|telefone|téléphone|phone|mobile?|cell|handy|call|fax|whatsapp|whats\s?app|"
    r"ring|hotline|ph)|тел\w*|電話|电话|전화|هاتف|फ़ोन|☎|☏|📞|📱)[\s.:：#/-]*(?:\w{2,4}[\s.:-]+)?$",
    re.IGNORECASE,
)
_GROUPS = re.compile(r"\d[\s().-]+\d")
# Full-width forms, which Japanese and Chinese input methods write, as ASCII; dashes as hyphens; and what isn't seen.
_PLAIN = {
    **{0xFF00 + number - 0x20: chr(number) for number in range(0x21, 0x7F)},
    **dict.fromkeys((*range(0x2010, 0x2016), 0x2212, 0xFE63), "-"),
    **dict.fromkeys(map(ord, INVISIBLE)),
    0xFE6B: "@",
    0x3000: " ",
}
# Countries in whose national form numbers are looked for, by language.
_REGIONS = {
    "ar": ("SA", "EG"),
    "de": ("DE", "AT", "CH"),
    "en": ("US", "GB", "AU"),
    "simple": ("US", "GB"),
    "es": ("ES", "MX", "AR"),
    "fr": ("FR", "BE"),
    "hi": ("IN",),
    "id": ("ID",),
    "it": ("IT",),
    "ja": ("JP",),
    "ko": ("KR",),
    "nl": ("NL", "BE"),
    "pl": ("PL",),
    "pt": ("BR", "PT"),
    "ru": ("RU",),
    "sw": ("KE", "TZ"),
    "tr": ("TR",),
    "uk": ("UA",),
    "vi": ("VN",),
    "zh": ("CN", "TW"),
}


def has_personal_data(texts: pa.StringArray, language: str) -> Mask:
    """Returns which texts have personal data.

    Args:
        texts: n texts without nulls.
        language: Language of the texts, which decides in which countries' forms telephone numbers are looked for.
    """
    suspects = np.flatnonzero(pc.match_substring_regex(texts, _SUSPECT).to_numpy(zero_copy_only=False))
    found = np.zeros(len(texts), np.bool_)
    chosen = texts.take(pa.array(suspects)).to_pylist()
    found[suspects] = [next(personal_data(text, language), None) is not None for text in chosen]
    return found


def personal_data(text: str, language: str) -> Iterator[Kind]:
    """Yields the kinds of personal data that a text has.

    Args:
        text: A text.
        language: Its language.
    """
    text = text if text.isascii() else text.translate(_PLAIN)
    if "@" in text and any(found[2].lower() in top_level_domains() for found in _EMAIL.finditer(text)):
        yield "email"
    if any(map(_is_card, _CARD.finditer(text))):
        yield "card"
    if any(_is_iban(found.group()) for found in _IBAN.finditer(text)):
        yield "iban"
    if _has_phone(text, language):
        yield "phone"


def _is_card(found: re.Match[str]) -> bool:
    digits = re.sub("[ .-]", "", found.group())
    if len(set(digits)) == 1 or not _GROUPED_CARD.fullmatch(found.group()):
        return False
    issued = any(issuer.match(digits) and len(digits) in lengths for issuer, lengths in _ISSUERS)
    return issued and bool(stdnum.luhn.is_valid(digits))


def _is_iban(written: str) -> bool:
    """Returns whether an IBAN begins a run of letters and digits, of which the last may be words."""
    compact = written.replace(" ", "")
    # Not whether the bank exists in its country, which the sum doesn't depend on.
    return any(
        stdnum.iban.is_valid(compact[:end], check_country=False) for end in range(len(compact), _SHORTEST_IBAN - 1, -1)
    )


def _has_phone(text: str, language: str) -> bool:
    # Imported here, since it takes a tenth of a second, and most commands screen nothing.
    import phonenumbers

    for region in (None, *_REGIONS.get(language, ())):
        for found in phonenumbers.PhoneNumberMatcher(text, region, phonenumbers.Leniency.VALID):
            if region is None or _looks_dialled(text, found):
                return True
    return False


def _looks_dialled(text: str, found: object) -> bool:
    """Returns whether a number in national form is written as a telephone number, and not as any other number."""
    import phonenumbers

    start, raw, number = found.start, found.raw_string, found.number  # type: ignore[attr-defined]
    if _ANNOUNCED.search(text[:start]):
        return True
    if not _GROUPS.search(raw):
        return False
    grouped = phonenumbers.PhoneNumberMatcher(
        raw, phonenumbers.region_code_for_number(number), phonenumbers.Leniency.STRICT_GROUPING
    )
    return grouped.has_next() and (raw.startswith(("0", "(", "8")) or raw.count("-") + raw.count(".") >= 2)
