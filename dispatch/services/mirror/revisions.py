"""Lets a page left open ask cheaply whether anything has changed."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable

from django.db.models import F, Q
from django.utils import timezone

from dispatch.models import Seller, SyncJob

WATCH_STEP = dt.timedelta(seconds=15)
"""How often at most an open page is written down."""


def bump(seller: Seller) -> None:
    """Note that something has changed that a page of this seller could show."""
    Seller.objects.filter(pk=seller.pk).update(revision=F("revision") + 1)


def etag_of(sellers: Iterable[Seller]) -> str:
    """Return a tag that changes with whatever a page of these sellers could show."""
    seen = ",".join(f"{seller.pk}:{seller.revision}" for seller in sellers)
    return f'"{hashlib.sha256(seen.encode()).hexdigest()[:16]}"'


def watch(sellers: Iterable[Seller]) -> None:
    """Note that somebody has a page of these sellers open: the next look at Amazon comes soon.

    A call costs nothing while the last one is less than `WATCH_STEP` ago.
    """
    now = timezone.now()
    quiet = [s.pk for s in sellers if s.watched_at is None or s.watched_at < now - WATCH_STEP]
    if not quiet:
        return
    long_ago = Q(watched_at=None) | Q(watched_at__lt=now - WATCH_STEP)
    Seller.objects.filter(long_ago, pk__in=quiet).update(watched_at=now)
    SyncJob.objects.filter(
        seller__in=quiet,
        kind=SyncJob.Kind.INCREMENTAL,
        attempts=0,
        next_run_at__gt=now + WATCH_STEP,
    ).update(next_run_at=now)
