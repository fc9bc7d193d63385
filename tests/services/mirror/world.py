"""A seller's jobs at Amazon, and what of them is here."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import timezone

from dispatch.models import Seller, ServiceJob, SyncJob
from dispatch.selectors.listing.query import JobQuery, Scope
from dispatch.selectors.search import search
from dispatch.services.mirror import store as mirror
from tests.conftest import NOW, Amazon, MakeJob

FIRST, INCREMENTAL = SyncJob.Kind.FIRST_LOAD, SyncJob.Kind.INCREMENTAL
SWEEP = SyncJob.Kind.SWEEP
LIST = "getServiceJobs"


def task(seller: Seller, kind: SyncJob.Kind = INCREMENTAL) -> SyncJob:
    return SyncJob.objects.select_related("seller").get(seller=seller, kind=kind)


def due(seller: Seller) -> None:
    """Let the seller's first load and its look for changes be due now."""
    SyncJob.objects.filter(seller=seller, finished_at=None).exclude(kind=SWEEP).update(
        next_run_at=timezone.now()
    )


def world(amazon: Amazon, make_job: MakeJob, count: int) -> list[str]:
    created = timezone.now() - dt.timedelta(days=1)
    jobs = [
        make_job(f"JOB-{n:04}", createTime=(created + dt.timedelta(minutes=n)).isoformat())
        for n in range(count)
    ]
    amazon.scenario(*jobs)
    return [job["serviceJobId"] for job in jobs]


def held() -> list[str]:
    return sorted(ServiceJob.objects.values_list("service_job_id", flat=True))


def after_one_page(**fault: Any) -> tuple[dict[str, Any], ...]:
    """Faults that let the first page through and meet the second."""
    return (
        {"operation": LIST, "kind": "latency", "seconds": 0},
        {"operation": LIST, **fault},
    )


def vanish(amazon: Amazon, *service_job_ids: str) -> None:
    """Amazon forgets these jobs."""
    kept = [job for job in amazon.state()["jobs"] if job["serviceJobId"] not in service_job_ids]
    amazon.scenario(*({k: v for k, v in job.items() if k != "_sandbox"} for job in kept))


def store(seller: Seller, *payloads: Any, at: dt.datetime = NOW) -> list[str]:
    return mirror.store(seller, payloads, fetched_at=at)


def visit(number: int, start: str | None = "2026-11-25T15:00:00Z", **parts: Any) -> dict[str, Any]:
    return {
        "appointmentId": f"APPT-{number}",
        "appointmentStatus": "ACTIVE",
        "appointmentTime": {"startTime": start, "durationInMinutes": 60},
        **parts,
    }


def found(seller: Seller, text: str) -> list[str]:
    jobs = search(JobQuery((Scope((seller.pk,)),)), text)
    return sorted(jobs.unordered().values_list("service_job_id", flat=True))
