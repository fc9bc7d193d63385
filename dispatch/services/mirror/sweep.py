"""Sweeps at night: reads again whatever can still change, and finds what was missed."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from dispatch.models import OPEN_STATUSES, Seller, ServiceJob, SyncJob
from dispatch.services.mirror import store, tasks
from dispatch.services.mirror.listing import job_pages
from dispatch.services.mirror.one_job import look_again, says_unknown
from dispatch.services.mirror.pace import until_night
from dispatch.spapi import ApiResponse, SellingApiException, Services, ThrottledLocally

REACH = dt.timedelta(days=30)
"""The sweep reads every job created since then, and every older one that is still open."""
MOST_LOOKS = 1000
"""Jobs a sweep asks for one by one; what remains is the next night's."""
LONGEST_NAP = 5.0
"""Seconds to wait at a time for room in the rate plan."""


def sweep(task: SyncJob, client: Services) -> dt.timedelta:
    """Store what Amazon lists, then look for jobs here that it does not list any more.

    Returns in how long to sweep again.
    """
    seller, began = task.seller, timezone.now()
    if seller.synced_at is None:
        return until_night(seller, began)
    here = _should_be_listed(seller, began)
    listed = _store_listed(task, client, _filters(here, began))
    _look_for_unlisted(task, client, here, listed)
    return until_night(seller, timezone.now())


def _should_be_listed(seller: Seller, began: dt.datetime) -> QuerySet[ServiceJob]:
    """Return the jobs here that Amazon should list, without what was fetched meanwhile."""
    reached = Q(created_key__gt=began - REACH) | Q(status__in=OPEN_STATUSES)
    return ServiceJob.objects.filter(reached, seller=seller, gone_at=None, fetched_at__lt=began)


def _filters(here: QuerySet[ServiceJob], began: dt.datetime) -> list[dict[str, Any]]:
    """Return what to ask Amazon for: jobs created lately, and older open ones, if any are here."""
    filters: list[dict[str, Any]] = [{"createdAfter": began - REACH}]
    oldest = here.filter(status__in=OPEN_STATUSES).order_by("created_key").first()
    if oldest and oldest.created_at and oldest.created_at < began - REACH:
        # `createdAfter` leaves its own moment out.
        since = oldest.created_at - dt.timedelta(seconds=1)
        filters.append({"createdAfter": since, "serviceJobStatus": list(OPEN_STATUSES)})
    return filters


def _store_listed(task: SyncJob, client: Services, filters: list[dict[str, Any]]) -> set[str]:
    """Store all that Amazon lists; return the jobs' ids."""
    listed: set[str] = set()
    ask = _patient(task, client.get_service_jobs)
    for some in filters:
        for asked_at, jobs in job_pages(ask, **some):
            store.store(task.seller, jobs, fetched_at=asked_at)
            listed.update(job["serviceJobId"] for job in jobs if _has_id(job))
            tasks.hold(task)
    return listed


def _has_id(job: Any) -> bool:
    return isinstance(job, dict) and isinstance(job.get("serviceJobId"), str)


def _look_for_unlisted(
    task: SyncJob, client: Services, here: QuerySet[ServiceJob], listed: set[str]
) -> None:
    """Ask for jobs one by one; what Amazon does not know any more stays, marked."""
    unlisted = (
        job
        for job in here.only("seller", "service_job_id").iterator()
        if job.service_job_id not in listed
    )
    ask = _patient(task, client.get_service_job_by_service_job_id)
    for job in list(itertools.islice(unlisted, MOST_LOOKS)):
        try:
            look_again(job, ask)
        except SellingApiException as error:
            if not says_unknown(error):
                raise
        tasks.hold(task)


def _patient(task: SyncJob, call: Callable[..., ApiResponse]) -> Callable[..., ApiResponse]:
    """Return a call that waits for room in the rate plan: a sweep cannot go on from its middle."""

    def patiently(*args: Any, **kwargs: Any) -> ApiResponse:
        while True:
            try:
                return call(*args, **kwargs)
            except ThrottledLocally as busy:
                tasks.stopping.wait(min(busy.retry_after, LONGEST_NAP))
                tasks.hold(task)

    return patiently
