"""Encryption of single values at rest, and keyed hashes to find them again.

A sealed value is ``v1.<key id>.<base64 of nonce and ciphertext>``: AES-256-GCM with the place it
belongs to (model, field, owner) as associated data, so that a value copied to another row, field
or owner does not open. The first key of ``FIELD_KEYS`` seals; every key opens.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Iterable
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.utils.translation import gettext

VERSION = "v1"
NONCE_BYTES = 12


class SealBroken(Exception):
    """A sealed value does not open here: wrong key, wrong place, or it was changed."""


class Keyring:
    """The keys of ``FIELD_KEYS``. The first one seals; all of them open values and find words."""

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        self._ciphers = {key_id(key): AESGCM(key) for key in keys}
        self._search_keys = [hmac.digest(key, b"dispatch search", "sha256") for key in keys]
        self.sealing = key_id(keys[0])

    @property
    def mark(self) -> str:
        """The beginning of every value that the first key has sealed."""
        return f"{VERSION}.{self.sealing}."

    def seal(self, text: str, place: str) -> str:
        """Encrypt ``text`` for ``place``."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._ciphers[self.sealing].encrypt(nonce, text.encode(), place.encode())
        return f"{self.mark}{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, token: str, place: str) -> str:
        """Decrypt what ``seal`` made for the same ``place``; raises `SealBroken`."""
        try:
            version, identity, body = token.split(".")
            raw = base64.urlsafe_b64decode(body)
            if version != VERSION:
                raise ValueError(version)
            cipher = self._ciphers[identity]
            return cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], place.encode()).decode()
        except (ValueError, KeyError, InvalidTag):
            # No cause and no token: neither may reach a log.
            words = gettext("the value of %(place)s does not open")
            raise SealBroken(words % {"place": place.split(":")[0]}) from None

    def word_hashes(self, word: str, scope: str) -> list[int]:
        """Return signed 64-bit hashes of a word within a scope: one by every key, in their order.

        The scope (a seller) keeps equal words of two sellers apart.
        """
        message = f"{scope}\0{word}".encode()
        return [_whole(hmac.digest(key, message, "sha256")) for key in self._search_keys]

    def hashes_of(self, words: Iterable[str], scope: str) -> set[int]:
        """Return the hashes of words under the first key, which are kept to find the words by."""
        start = hmac.new(self._search_keys[0], f"{scope}\0".encode(), "sha256")
        return {_word_hash(start.copy(), word) for word in words}

    def digest(self, text: str, scope: str) -> str:
        """Return a keyed fingerprint of a text within a scope, which does not tell the text."""
        return hmac.digest(self._search_keys[0], f"{scope}\0{text}".encode(), "sha256").hex()


def _word_hash(started: hmac.HMAC, word: str) -> int:
    started.update(word.encode())
    return _whole(started.digest())


def _whole(digest: bytes) -> int:
    """Return the first eight bytes of a digest as the signed number that a column keeps."""
    return int.from_bytes(digest[:8], "big", signed=True)


def key_id(key: bytes) -> str:
    """Return a key's short public name, by which a sealed value tells who sealed it."""
    return hashlib.sha256(b"dispatch key id" + key).hexdigest()[:8]


@lru_cache(maxsize=4)
def _keyring(keys: tuple[bytes, ...]) -> Keyring:
    return Keyring(keys)


def keyring() -> Keyring:
    """Return the keyring of the settings ``FIELD_KEYS``."""
    return _keyring(settings.FIELD_KEYS)
