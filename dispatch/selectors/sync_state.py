"""How far the mirror is behind Amazon."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from dispatch.models import Seller, SyncJob

STALE_AFTER = dt.timedelta(minutes=3)
OVERDUE_AFTER = dt.timedelta(minutes=1)


def is_stale(seller: Seller, now: dt.datetime) -> bool:
    """Return whether the mirror is older than the pace of sync explains.

    That is so when the next look at Amazon failed or is late. At night, when nobody watches, ten
    minutes are no reason to worry.
    """
    if seller.synced_at is None:
        return True
    if now - seller.synced_at <= STALE_AFTER:
        return False
    in_order = SyncJob.objects.filter(attempts=0, next_run_at__gt=now - OVERDUE_AFTER)
    return not in_order.filter(seller=seller, kind=SyncJob.Kind.INCREMENTAL).exists()


def first_loads(sellers: Iterable[Seller]) -> list[SyncJob]:
    """Return the first loads that are still running, with how far they are."""
    return list(
        SyncJob.objects.filter(
            seller__in=list(sellers), kind=SyncJob.Kind.FIRST_LOAD, finished_at=None
        )
        .exclude(seller__state=Seller.State.DISCONNECTED)
        .select_related("seller")
        .order_by("seller__name")
    )
