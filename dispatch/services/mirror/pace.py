"""Says how often Amazon is asked for a seller's jobs: by who looks, and by the seller's own clock.

Amazon sends no notification for service jobs, so asking is the only way to learn of changes.
"""

from __future__ import annotations

import datetime as dt
import random
import zoneinfo

from dispatch.models import Seller

WATCHED_PACE = dt.timedelta(seconds=10)
WATCHED_FOR = dt.timedelta(seconds=45)
"""How long after its last sign a page counts as open."""
WORKING_PACE = dt.timedelta(minutes=1)
WORKING_HOURS = range(7, 20)
"""Hours of the day in the seller's zone."""
QUIET_PACE = dt.timedelta(minutes=10)
FIRST_PAUSE = dt.timedelta(seconds=30)
LONGEST_PAUSE = dt.timedelta(minutes=10)
SWEEP_HOUR = 1
SWEEP_SPREAD = 4 * 3600
"""Seconds after `SWEEP_HOUR` over which the sellers' sweeps are spread."""


def until_look(seller: Seller, now: dt.datetime) -> dt.timedelta:
    """Return when to look for changes again: soon while somebody looks, seldom at night.

    The time is spread a little downwards: a thousand sellers do not ask in the same second, and
    what passes until a worker is rung does not make the pace slower than it says.
    """
    return _longest(seller, now) * random.uniform(0.8, 0.95)  # noqa: S311


def pause_after(attempts: int) -> dt.timedelta:
    """Return the wait after a failure: `FIRST_PAUSE`, doubling up to `LONGEST_PAUSE`."""
    doubled: dt.timedelta = FIRST_PAUSE * 2 ** min(attempts, 10)
    return min(doubled, LONGEST_PAUSE)


def until_night(seller: Seller, now: dt.datetime) -> dt.timedelta:
    """Return the time until the seller's next sweep; each has its own moment of the night."""
    here = _at_home(seller, now)
    offset = dt.timedelta(hours=SWEEP_HOUR, seconds=seller.pk.int % SWEEP_SPREAD)
    tonight = here.replace(hour=0, minute=0, second=0, microsecond=0) + offset
    if tonight <= here:
        tonight += dt.timedelta(days=1)
    return tonight - here


def _longest(seller: Seller, now: dt.datetime) -> dt.timedelta:
    seen = Seller.objects.filter(pk=seller.pk).values_list("watched_at", flat=True).first()
    if seen is not None and now - seen < WATCHED_FOR:
        return WATCHED_PACE
    working = _at_home(seller, now).hour in WORKING_HOURS
    return WORKING_PACE if working else QUIET_PACE


def _at_home(seller: Seller, now: dt.datetime) -> dt.datetime:
    """Return the moment on the seller's own clock."""
    return now.astimezone(zoneinfo.ZoneInfo(seller.time_zone))
