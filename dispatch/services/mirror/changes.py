"""Looks for changes: whatever Amazon changed since the last look, with an overlap."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from dispatch.models import Seller, SyncJob
from dispatch.services.mirror import store, tasks
from dispatch.services.mirror.listing import job_pages
from dispatch.services.mirror.pace import until_look
from dispatch.spapi import Services

OVERLAP = dt.timedelta(minutes=2)
"""How far each look reaches back behind the last: clocks differ and Amazon's index lags."""
FIRST_LOAD_COMES_FIRST = dt.timedelta(seconds=2)


def load_changes(task: SyncJob, client: Services) -> dt.timedelta:
    """Store what has changed since the seller was last synced; returns in how long to look again.

    Nothing is asked before the first load is done.
    """
    seller, started_at = task.seller, timezone.now()
    if seller.synced_at is None:
        return FIRST_LOAD_COMES_FIRST
    since = seller.synced_at - OVERLAP
    for asked_at, jobs in job_pages(client.get_service_jobs, lastUpdatedAfter=since):
        store.store(seller, jobs, fetched_at=asked_at)
        tasks.hold(task)
    seller.synced_at = started_at
    Seller.objects.filter(pk=seller.pk).update(synced_at=started_at)
    return until_look(seller, started_at)
