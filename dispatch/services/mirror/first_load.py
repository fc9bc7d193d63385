"""Loads a seller's jobs for the first time, since the date the owner chose.

A load that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import timezone

from dispatch.models import Seller, SyncJob
from dispatch.services.mirror import store, tasks
from dispatch.services.mirror.listing import PAGE_SIZE, jobs_of, total_of
from dispatch.services.mirror.pace import LONGEST_PAUSE
from dispatch.spapi import ApiResponse, SellingApiBadRequestException, Services
from dispatch.spapi.pages import LoopGuard

REACH = dt.timedelta(days=90)
"""How far back to load where the owner chose no date."""
PAGES_AT_ONCE = 50
NOTED_EVERY = dt.timedelta(seconds=1)
"""How long to fetch before storing what has come and saying how far the load is."""


def load_all(task: SyncJob, client: Services) -> dt.timedelta:
    """Load all jobs page by page; returns in how long to come back."""
    seller = task.seller
    task.started_at = task.started_at or timezone.now()
    since = seller.sync_since or task.started_at - REACH
    guard = LoopGuard(task.page_token)
    while not task.finished_at:
        if not _still_connected(seller):
            return LONGEST_PAUSE
        _load_some(task, client, since, guard)
    seller.synced_at = task.started_at
    Seller.objects.filter(pk=seller.pk).update(synced_at=seller.synced_at)
    return tasks.NEVER_AGAIN


def _still_connected(seller: Seller) -> bool:
    """Tell whether the owner has not disconnected while a long load is going on."""
    connected = Seller.objects.exclude(state=Seller.State.DISCONNECTED)
    return connected.filter(pk=seller.pk).exists()


def _load_some(task: SyncJob, client: Services, since: dt.datetime, guard: LoopGuard) -> None:
    """Load some pages and store them together: a commit costs as much as the jobs of a page."""
    asked_at, jobs = timezone.now(), list[Any]()
    try:
        for _ in range(PAGES_AT_ONCE):
            page = _next_page(task, client, since)
            jobs += jobs_of(page)
            _advance(task, page, guard)
            if task.finished_at or timezone.now() - asked_at > NOTED_EVERY:
                break
    finally:
        # What came before a fault is kept; what is cut off here is asked for again.
        store.store(task.seller, jobs, fetched_at=asked_at)
        tasks.hold(
            task,
            done=task.done,
            total=task.total,
            page_token=task.page_token,
            started_at=task.started_at,
            finished_at=task.finished_at,
        )


def _next_page(task: SyncJob, client: Services, since: dt.datetime) -> ApiResponse:
    filters = {
        "createdAfter": since,
        "pageSize": PAGE_SIZE,
        "sortField": "JOB_DATE",
        "sortOrder": "ASC",
    }
    if not task.page_token:
        return client.get_service_jobs(**filters)
    try:
        return client.get_service_jobs(**filters, pageToken=task.page_token)
    except SellingApiBadRequestException:
        # The token outlived its welcome while we were away: begin again, nothing is lost.
        task.page_token, task.done, task.started_at = "", 0, timezone.now()
        return client.get_service_jobs(**filters)


def _advance(task: SyncJob, page: ApiResponse, guard: LoopGuard) -> None:
    jobs = jobs_of(page)
    task.done += len(jobs)
    task.total = max(total_of(page), task.done)
    # A token on an empty page leads nowhere either.
    over = not jobs or not guard.goes_on(page.next_token, jobs)
    task.page_token = "" if over else page.next_token or ""
    task.finished_at = timezone.now() if over else None
