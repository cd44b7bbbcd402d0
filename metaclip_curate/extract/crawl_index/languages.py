"""Codes of the languages that Common Crawl's index names: ISO 639-3."""

from __future__ import annotations

from collections.abc import Sequence

from metaclip_curate.errors import UserError


def language_codes(given: Sequence[str]) -> tuple[str, ...]:
    """Checks that codes are ISO 639-3.

    Args:
        given: Codes as the user wrote them.

    Returns:
        The codes in lower case, sorted, each once.

    Raises:
        UserError: One isn't.
    """
    import iso639  # its table takes 50 ms to load

    codes = {code.strip().lower() for code in given}
    for code in sorted(codes):
        if iso639.is_language(code, "pt3"):
            continue
        try:
            known = iso639.Lang(code).pt3
        except iso639.exceptions.InvalidLanguageValue:
            known = ""
        remedy = f"write {known}" if known else "the codes are on https://iso639-3.sil.org"
        raise UserError(f"--index-languages {code} isn't a code of ISO 639-3, which the index has: {remedy}")
    return tuple(sorted(codes))
