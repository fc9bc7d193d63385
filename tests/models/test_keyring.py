"""The keyring: what it seals, and the hashes by which it finds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.models.keyring import Keyring, SealBroken, key_id

OLD, NEW = b"o" * 32, b"n" * 32
ring = Keyring((OLD,))


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(max_size=40))
def test_it_opens_what_it_sealed(text: str, place: str) -> None:
    place = place.encode("utf-8", "replace").decode()
    assert ring.open(ring.seal(text, place), place) == text


@given(st.text(max_size=60))
def test_it_opens_nothing_else(token: str) -> None:
    with pytest.raises(SealBroken):
        ring.open(token, "place")


def test_another_place_does_not_open() -> None:
    token = ring.seal("text", "Seller.refresh_token:1")
    with pytest.raises(SealBroken):
        ring.open(token, "Seller.refresh_token:2")


def test_the_error_names_no_value_and_no_owner() -> None:
    with pytest.raises(SealBroken, match=r"^the value of Seller\.token does not open$"):
        ring.open("v1.nonsense.x", "Seller.token:4711")


def test_the_first_key_seals_and_every_key_opens() -> None:
    both = Keyring((NEW, OLD))
    assert both.open(ring.seal("text", "place"), "place") == "text"
    assert both.seal("text", "place").split(".")[1] == key_id(NEW)


def test_a_key_taken_away_opens_no_longer() -> None:
    with pytest.raises(SealBroken):
        Keyring((NEW,)).open(ring.seal("text", "place"), "place")


def test_a_key_id_tells_nothing_of_the_key() -> None:
    assert len(key_id(OLD)) == 8
    assert key_id(OLD) != key_id(NEW)


def test_equal_words_of_two_sellers_hash_differently() -> None:
    assert ring.word_hashes("jordan", "seller one") != ring.word_hashes("jordan", "seller two")
    assert ring.word_hashes("jordan", "one") == ring.word_hashes("jordan", "one")


def test_words_do_not_run_into_their_scope() -> None:
    assert ring.word_hashes("b", "a") != ring.word_hashes("ab", "")


def test_words_are_found_under_every_key_the_sealing_one_first() -> None:
    (old,) = ring.word_hashes("jordan", "s")
    new, found = Keyring((NEW, OLD)).word_hashes("jordan", "s")
    assert found == old != new


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_hash_fits_a_signed_column_of_64_bits(word: str) -> None:
    assert all(-(2**63) <= value < 2**63 for value in ring.word_hashes(word, "s"))


def test_a_digest_is_keyed() -> None:
    assert ring.digest("text", "s") == ring.digest("text", "s")
    assert ring.digest("text", "s") != Keyring((NEW,)).digest("text", "s")
    assert len(ring.digest("text", "s")) == 64


def test_the_hashes_kept_are_those_looked_up_first() -> None:
    words = ["jordan", "straße", "😀", ""]
    for keys in ((OLD,), (NEW, OLD)):
        several = Keyring(keys)
        kept = several.hashes_of(words, "seller one")
        assert kept == {several.word_hashes(word, "seller one")[0] for word in words}
    assert Keyring((OLD,)).hashes_of(words, "x") != Keyring((NEW,)).hashes_of(words, "x")
    assert Keyring((OLD,)).hashes_of([], "x") == set()
