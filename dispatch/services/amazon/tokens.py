"""Shares access tokens between all processes through the cache, where they are sealed."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache as once

from django.core.cache import cache

from dispatch.models.keyring import SealBroken, keyring

LOCK_SECONDS = 20
"""Longer than a renewal takes, unless Amazon hangs: then two may renew, which harms nobody. No
longer, because a process that dies in the middle holds everybody up for so long."""


class SharedTokenCache:
    """A `dispatch.spapi.TokenCache` over Django's: one renewal at a time on all machines."""

    def __init__(self) -> None:
        self._here: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def get(self, key: str) -> tuple[str, float] | None:
        """Return the token and its end in seconds since 1970, or None."""
        sealed = cache.get(_name(key))
        if not isinstance(sealed, str):
            return None
        try:
            token, expires_at = json.loads(keyring().open(sealed, _place(key)))
        except SealBroken:
            return None  # Sealed with keys that are gone: as good as no token.
        return token, expires_at

    def put(self, key: str, token: str, expires_at: float) -> None:
        sealed = keyring().seal(json.dumps([token, expires_at]), _place(key))
        cache.set(_name(key), sealed, timeout=max(1, int(expires_at - time.time())))

    def forget(self, key: str) -> None:
        cache.delete(_name(key))

    @contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """Hold a key's lock while its token is renewed; wait for others up to `LOCK_SECONDS`."""
        name, mine = f"{_name(key)}.lock", uuid.uuid4().hex
        with self._here[key]:
            deadline = time.monotonic() + LOCK_SECONDS
            while not cache.add(name, mine, LOCK_SECONDS):
                if time.monotonic() > deadline:
                    break
                time.sleep(0.05)
            try:
                yield
            finally:
                # Whoever was too slow must not end another's turn.
                if cache.get(name) == mine:
                    cache.delete(name)


@once
def shared_token_cache() -> SharedTokenCache:
    """Return the token cache of this process."""
    return SharedTokenCache()


def _name(key: str) -> str:
    return f"lwa.{key}"


def _place(key: str) -> str:
    return f"access token:{key}"
