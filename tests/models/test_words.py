"""How a job's words are cut, and what a typed phone number is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.models.words import phone_words, split_words, typed_phone


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("120 Sample Street", ["120", "sample", "street"]),
        ("O'Brien-Müller", ["o", "brien", "müller"]),
        ("STRASSE Straße", ["strasse", "strasse"]),
        ("  ", []),
        ("😀", []),
        ("北京 市", ["北京", "市"]),
    ],
)
def test_words_are_runs_of_letters_and_digits_without_case(text: str, words: list[str]) -> None:
    assert split_words(text) == words


@pytest.mark.parametrize(
    "typed",
    ["+1 614 555 0142", "(614) 555-0142", "614.555.0142", "5550142", "555-0142", "16145550142"],
)
def test_every_way_to_write_a_number_finds_it(typed: str) -> None:
    assert typed_phone(typed) in phone_words("+1 614 555 0142")


def test_the_last_four_digits_find_it() -> None:
    assert "0142" in phone_words("+1 614 555 0142")


@pytest.mark.parametrize(
    "text", ["Jordan", "112-4471932-5510622 x", "0142", "12345", "", "+", "43017"]
)
def test_other_texts_are_no_phone_numbers(text: str) -> None:
    assert typed_phone(text) == ""


@given(st.text(max_size=50))
def test_any_text_can_be_cut(text: str) -> None:
    assert all(word and not word.isspace() for word in split_words(text))
    assert "" not in phone_words(text)
    assert typed_phone(text) == "" or typed_phone(text).isdigit()
