"""Keeps the rate plans once for all processes: in the database, or in Redis if that is the cache.

The arithmetic is that of `dispatch.spapi.throttle`; each store does its step in one statement.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache as once
from typing import Any

import redis
from django.conf import settings
from django.db import connection

from dispatch.models import RateBucket
from dispatch.spapi import Throttle, ThrottledLocally
from dispatch.spapi.throttle import WaitingThrottle, wait_for

PERSON_WAITS = 2.0
WORKER_WAITS = 1.0
"""Background work that would wait longer is put off instead of sleeping."""
KEPT_SECONDS = 3600
"""A bucket that nobody has used for so long is full, and may be forgotten."""


class _SharedThrottle(WaitingThrottle):
    """A store that writes down what Amazon says of a rate once, not with every call."""

    def __init__(self, **options: Any) -> None:
        options = {"person_waits": PERSON_WAITS, "background_waits": WORKER_WAITS, **options}
        super().__init__(**options)
        self._told: dict[str, float] = {}

    def adjust(self, key: str, rate: float) -> None:
        """Keep Amazon's own rate for a bucket, if it is a sensible number."""
        if math.isfinite(rate) and rate > 0 and self._told.get(key) != rate:
            self._store_rate(key, rate)
            self._told[key] = rate

    def _store_rate(self, key: str, rate: float) -> None:
        raise NotImplementedError


class DatabaseThrottle(_SharedThrottle):
    """Keeps buckets as rows, by the database's clock.

    A token is one upsert whose condition is the limit, which is exact on any database.
    """

    def take(
        self, key: str, rate: float, usable: int, limit: float, *, reserve: bool
    ) -> tuple[float, bool]:
        values: dict[str, str | float] = {
            "key": key,
            # SQLite divides whole numbers to whole numbers: 1 / 5 would be 0.
            "rate": float(rate),
            "usable": usable,
            "longest": limit if reserve else 0.0,
            "slack": self.slack,
        }
        with connection.cursor() as cursor:
            cursor.execute(_dialect(_TAKE), values)
            row = cursor.fetchone()
            mine = row is not None
            if not mine:
                cursor.execute(_dialect(_LOOK), values)
                row = cursor.fetchone()
        full_at, known_rate, now = row or (0.0, None, 0.0)
        rate = known_rate or rate
        before = full_at - 1 / rate if mine else full_at
        wait = wait_for(before, now, rate, usable, slack=self.slack)
        if not mine and wait > limit:
            raise ThrottledLocally(wait)
        return wait, mine

    def _store_rate(self, key: str, rate: float) -> None:
        RateBucket.objects.update_or_create(
            key=key, defaults={"rate": rate}, create_defaults={"rate": rate, "full_at": 0.0}
        )


# The condition is `wait_for` of the client, said in SQL: a full bucket always gives; otherwise
# the wait must not be longer than what the caller accepts.
_TAKE = """
INSERT INTO {table} AS b (key, full_at, rate)
VALUES (%(key)s{text}, {now} + 1 / %(rate)s{number}, NULL)
ON CONFLICT (key) DO UPDATE
SET full_at = {greatest}(b.full_at, {now}) + 1 / COALESCE(b.rate, %(rate)s{number})
WHERE b.full_at <= {now}
   OR b.full_at - {now} - (%(usable)s{number} - 1) / COALESCE(b.rate, %(rate)s{number})
      + %(slack)s{number} <= %(longest)s{number} + 0.000001
RETURNING full_at, rate, {now}
"""
_LOOK = "SELECT full_at, rate, {now} FROM {table} WHERE key = %(key)s{text}"


_SERVER_NOW = "EXTRACT(EPOCH FROM clock_timestamp())::float8"
_SQLITE_NOW = "((julianday('now') - 2440587.5) * 86400.0)"


def _dialect(sql: str) -> str:
    """Fill in what the two databases name differently; all of this text is ours."""
    on_server = connection.vendor == "postgresql"
    return sql.format(
        table=connection.ops.quote_name(RateBucket._meta.db_table),
        greatest="GREATEST" if on_server else "MAX",
        # Read once the row is ours: a clock read before waiting for the lock grants too much.
        now=_SERVER_NOW if on_server else _SQLITE_NOW,
        text="::text" if on_server else "",
        number="::float8" if on_server else "",
    )


_LUA = """
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local usable, longest, slack = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local kept = redis.call('HMGET', KEYS[1], 'full_at', 'rate')
local full_at = tonumber(kept[1] or '0')
local rate = tonumber(kept[2] or ARGV[1])
local wait = 0
if full_at > now then wait = math.max(0, full_at - now - (usable - 1) / rate + slack) end
if wait > longest + 0.000001 then return {tostring(wait), 0} end
redis.call('HSET', KEYS[1], 'full_at', string.format('%.6f', math.max(full_at, now) + 1 / rate))
redis.call('EXPIRE', KEYS[1], ARGV[5])
return {tostring(wait), 1}
"""


class RedisThrottle(_SharedThrottle):
    """Keeps buckets in Redis, by one script and Redis's own clock."""

    def __init__(self, url: str, **options: Any) -> None:
        super().__init__(**options)
        self._redis: redis.Redis = redis.Redis.from_url(url)
        self._script: Callable[..., Any] = self._redis.register_script(_LUA)

    def take(
        self, key: str, rate: float, usable: int, limit: float, *, reserve: bool
    ) -> tuple[float, bool]:
        longest = limit if reserve else 0.0
        answer = self._script(
            keys=[self._name(key)], args=[rate, usable, longest, self.slack, KEPT_SECONDS]
        )
        wait, mine = float(answer[0]), bool(answer[1])
        if not mine and wait > limit:
            raise ThrottledLocally(wait)
        return wait, mine

    def _store_rate(self, key: str, rate: float) -> None:
        self._redis.hset(self._name(key), "rate", str(rate))
        self._redis.expire(self._name(key), KEPT_SECONDS)

    @staticmethod
    def _name(key: str) -> str:
        return f"dispatch:rate:{key}"


@once
def shared_throttle() -> Throttle:
    """Return the throttle of this installation."""
    cache = settings.CACHES["default"]
    if cache["BACKEND"].endswith("RedisCache"):
        return RedisThrottle(cache["LOCATION"])
    return DatabaseThrottle()
