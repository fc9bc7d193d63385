"""Splits text into the words by which sealed values are found."""

from __future__ import annotations

import re

_WORD = re.compile(r"\w+", re.UNICODE)
_PHONE = re.compile(r"[+(]?[\d\s()./+-]{6,}")
_SPOKEN_LENGTHS = (10, 7, 4)
"""A number without its country code, a local number, and the last digits people read out."""


def split_words(text: str) -> list[str]:
    """Return the words of a text as they are hashed: case-folded runs of letters and digits."""
    return _WORD.findall(text.casefold())


def phone_words(phone: str) -> set[str]:
    """Return the forms under which a phone number is found: whole, and its last digits."""
    digits = _digits(phone)
    return {
        digits[-length:] for length in (len(digits), *_SPOKEN_LENGTHS) if len(digits) >= length
    } - {""}


def typed_phone(text: str) -> str:
    """Return the digits of a text that looks like a phone number, and "" for any other."""
    digits = _digits(text) if _PHONE.fullmatch(text.strip()) else ""
    return digits if len(digits) in (7, 10) or len(digits) > 10 else ""


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)
