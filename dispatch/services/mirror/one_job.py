"""Reads single jobs from Amazon into the mirror: looked at again, or found by their ids."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from django.utils import timezone

from dispatch.models import Seller, ServiceJob
from dispatch.services.amazon.client import connect
from dispatch.services.mirror import store
from dispatch.spapi import ApiResponse, SellingApiException

OPERATION = "getServiceJobByServiceJobId"


def refresh_job(job: ServiceJob, *, interactive: bool = True) -> ServiceJob:
    """Read one job from Amazon now and store it; raises one of `client.FAULTS`.

    A job that Amazon does not know any more is marked before the refusal is raised.
    """
    with connect(job.seller, interactive=interactive) as client:
        look_again(job, client.get_service_job_by_service_job_id)
    return ServiceJob.objects.select_related("seller").get(pk=job.pk)


def find_job(seller: Seller, service_job_id: str) -> ServiceJob | None:
    """Fetch a job that the mirror does not hold yet, by its pasted id."""
    if not service_job_id.strip("."):
        return None  # Nothing, or dots only: no address could name it.
    with connect(seller, interactive=True) as client:
        ask = client.get_service_job_by_service_job_id
        _take_in(seller, service_job_id, ask, timezone.now())
    return ServiceJob.objects.filter(seller=seller, service_job_id=service_job_id).first()


def look_again(job: ServiceJob, ask: Callable[..., ApiResponse]) -> None:
    """Store what Amazon now shows of a job that is here; ``ask`` is the call that reads it.

    A job that Amazon does not know any more is marked before the refusal is raised.
    """
    asked_at = timezone.now()
    try:
        shown = _take_in(job.seller, job.service_job_id, ask, asked_at)
    except SellingApiException as error:
        if says_unknown(error):
            store.mark_gone(job, at=asked_at)
        raise
    if shown:
        ServiceJob.objects.filter(pk=job.pk, fetched_at__lt=asked_at).update(fetched_at=asked_at)


def says_unknown(error: SellingApiException) -> bool:
    """Tell whether Amazon says that this seller has no such job.

    It answers 404 or 422, or refuses somebody else's job with 403.
    """
    return error.code in (404, 422) or error.amzn_code == "UnauthorizedAction"


def _take_in(
    seller: Seller, service_job_id: str, ask: Callable[..., ApiResponse], asked_at: dt.datetime
) -> bool:
    """Store what Amazon shows of one job; return whether it showed that job at all."""
    payload = ask(service_job_id).payload
    shown = isinstance(payload, dict) and payload.get("serviceJobId") == service_job_id
    if shown:
        store.store(seller, [payload], fetched_at=asked_at, origin=OPERATION)
    return shown
