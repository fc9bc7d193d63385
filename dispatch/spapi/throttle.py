"""Keeps to Amazon's usage plans: one token bucket per application × seller × operation.

The bucket is a GCRA: a single number, the time at which it would be full again. Two pure
functions do the arithmetic, so that other stores (a database row, Redis) need only swap that
number in one step.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from dispatch.spapi.exceptions import ThrottledLocally

PERSON_WAITS: Final = 2.0
BACKGROUND_WAITS: Final = 60.0
BUCKETS_KEPT: Final = 20_000
FORGET_AFTER: Final = 3600.0
# Two calls may come closer together at Amazon than they left here; this much is allowed for.
SLACK: Final = 0.1
# Rounding of differences of large clock values must not grant or refuse a token.
_EPSILON: Final = 1e-6


class Throttle(Protocol):
    """A store of buckets, shared by all who use the same quota."""

    def acquire(
        self,
        key: str,
        rate: float,
        burst: int,
        *,
        interactive: bool = True,
        max_wait: float | None = None,
    ) -> float:
        """Take one token; return the seconds waited for it.

        ``rate`` is tokens per second. Background work (``interactive=False``) leaves half of
        the burst. Raises ThrottledLocally when the wait would be longer than the store's own
        limit or ``max_wait`` seconds; no token is taken then.
        """
        ...

    def adjust(self, key: str, rate: float) -> None:
        """Learn Amazon's own rate for this key, from ``x-amzn-RateLimit-Limit``."""
        ...


def usable_burst(burst: int, *, interactive: bool) -> int:
    """Return how many tokens a caller may take at once: in the background half, at least one."""
    return max(1, burst if interactive else burst // 2)


def wait_for(full_at: float, now: float, rate: float, usable: int, *, slack: float = 0.0) -> float:
    """Return the seconds until a token is free, for a caller that may take ``usable`` at once.

    Until the bucket is full again every token comes ``slack`` seconds late.
    """
    if full_at <= now:
        return 0.0
    wait = full_at - now - (usable - 1) / rate + slack
    return wait if wait > _EPSILON else 0.0


def taken(full_at: float, now: float, rate: float) -> float:
    """Return the bucket's number after one more token was taken."""
    return max(full_at, now) + 1 / rate


@dataclass(slots=True)
class _Bucket:
    full_at: float
    rate: float | None = None


class WaitingThrottle:
    """Waits for tokens of a store, whose subclass need only know how to ``take`` one.

    A person's call reserves its token at once and waits for its turn. Background work waits
    until a token is free, then takes it: it never queues ahead of people.
    """

    def __init__(
        self,
        *,
        sleep: Callable[[float], None] = time.sleep,
        person_waits: float = PERSON_WAITS,
        background_waits: float = BACKGROUND_WAITS,
        slack: float = SLACK,
    ) -> None:
        self.slack = slack
        self._sleep = sleep
        self._limits = {True: person_waits, False: background_waits}

    def acquire(
        self,
        key: str,
        rate: float,
        burst: int,
        *,
        interactive: bool = True,
        max_wait: float | None = None,
    ) -> float:
        own = self._limits[interactive]
        limit = own if max_wait is None else min(own, max_wait)
        usable = usable_burst(burst, interactive=interactive)
        waited = 0.0
        while True:
            wait, mine = self.take(key, rate, usable, limit - waited, reserve=interactive)
            if wait:
                self._sleep(wait)
                waited += wait
            if mine:
                return waited

    def take(
        self, key: str, rate: float, usable: int, limit: float, *, reserve: bool
    ) -> tuple[float, bool]:
        """Return the seconds to wait, and whether the token is ours then, in one exact step.

        Raises ThrottledLocally, and takes nothing, when the wait is longer than ``limit``.
        """
        raise NotImplementedError


class LocalThrottle(WaitingThrottle):
    """Keeps buckets in this process's memory."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        person_waits: float = PERSON_WAITS,
        background_waits: float = BACKGROUND_WAITS,
        slack: float = SLACK,
    ) -> None:
        super().__init__(
            sleep=sleep,
            person_waits=person_waits,
            background_waits=background_waits,
            slack=slack,
        )
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}
        self._lock = threading.Lock()

    def take(
        self, key: str, rate: float, usable: int, limit: float, *, reserve: bool
    ) -> tuple[float, bool]:
        with self._lock:
            bucket = self._bucket(key)
            full_at, now = bucket.full_at, self._clock()
            rate = bucket.rate or rate
            wait = wait_for(full_at, now, rate, usable, slack=self.slack)
            if wait > limit:
                raise ThrottledLocally(wait)
            if wait and not reserve:
                return wait, False
            bucket.full_at = taken(full_at, now, rate)
            return wait, True

    def _bucket(self, key: str) -> _Bucket:
        bucket = self._buckets.get(key)
        if bucket is None:
            if len(self._buckets) >= BUCKETS_KEPT:
                self._sweep()
            bucket = self._buckets[key] = _Bucket(-math.inf)
        return bucket

    def _sweep(self) -> None:
        """Forget who has not called for an hour, else who has waited longest."""
        oldest = self._clock() - FORGET_AFTER
        kept = {key: bucket for key, bucket in self._buckets.items() if bucket.full_at > oldest}
        if len(kept) >= BUCKETS_KEPT:
            newest = sorted(kept.items(), key=lambda item: item[1].full_at)
            kept = dict(newest[BUCKETS_KEPT // 2 :])
        self._buckets = kept

    def adjust(self, key: str, rate: float) -> None:
        if not (math.isfinite(rate) and rate > 0):
            return
        with self._lock:
            self._bucket(key).rate = rate


SHARED_THROTTLE: Final = LocalThrottle()
