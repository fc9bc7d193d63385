"""Keeps what Amazon shows of jobs: only what is news, and never over a later state."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Coalesce

from dispatch.models import JobStatus, Seller, ServiceJob
from dispatch.models.keyring import keyring
from dispatch.services.amazon.definition import storable
from dispatch.services.mirror import job_rows, revisions
from dispatch.services.mirror.translate import JobRecord, Payload, Shown, as_text, record_of


@dataclass(slots=True)
class _Known:
    """What the mirror holds of a job already, as far as it tells whether an answer is news."""

    pk: int
    digest: str
    fetched_at: dt.datetime
    gone_at: dt.datetime | None
    closed_at: dt.datetime | None

    def is_outdated_by(self, digest: str, fetched_at: dt.datetime) -> bool:
        changed = digest != self.digest or self.gone_at is not None
        return changed and self.fetched_at <= fetched_at


def store(
    seller: Seller,
    payloads: Iterable[Payload],
    *,
    fetched_at: dt.datetime,
    origin: str = "getServiceJobs",
) -> list[str]:
    """Insert or update Amazon's ``ServiceJob`` objects; returns the ids of those that changed.

    ``fetched_at`` is when the request was sent: a row that shows a later state is left alone, so
    that a slow page never undoes what a person has just seen. Unchanged jobs cost one look and no
    transaction; of a changed one only what differs is written. Any number of pages will do.
    The buyer of a job closed longer than `KEEP_BUYER_FOR` ago is not kept at all. ``origin`` is
    the operation that was asked.
    """
    shown = _by_id(seller, payloads)
    known = _known(ServiceJob.objects.filter(seller=seller), shown)
    news = {
        job_id: record_of(
            seller,
            one,
            fetched_at=fetched_at,
            origin=origin,
            closed_before=known[job_id].closed_at if job_id in known else None,
        )
        for job_id, one in shown.items()
        if job_id not in known or known[job_id].is_outdated_by(one.digest, fetched_at)
    }
    if not news:
        return []
    with transaction.atomic():
        written = _write(seller, news, known, fetched_at)
        if written:
            revisions.bump(seller)
    return [job_id for job_id in news if job_id in written]


def mark_gone(job: ServiceJob, *, at: dt.datetime) -> None:
    """Note that Amazon, asked ``at`` that moment, no longer knows the job; it stays, marked.

    A row that shows a later state is left alone. `store` brings the job back if it returns.
    """
    still_here = ServiceJob.objects.filter(pk=job.pk, gone_at=None, fetched_at__lte=at)
    with transaction.atomic():
        marked = still_here.update(
            gone_at=at,
            status=JobStatus.GONE,
            closed_at=Coalesce("closed_at", at),
            fetched_at=at,
            **job_rows.changed_now(),
        )
        if marked:
            job.references.update(status=JobStatus.GONE)
            job.words.update(status=JobStatus.GONE)
            revisions.bump(job.seller)


def _by_id(seller: Seller, payloads: Iterable[Payload]) -> dict[str, Shown]:
    """Return jobs by id; one without an id is left out, of one that comes twice the last counts."""
    ring, scope, found = keyring(), str(seller.pk), {}
    for payload in payloads:
        if job_id := _job_id(payload):
            text = as_text(payload)
            found[job_id] = Shown(payload, text, ring.digest(text, scope))
    return found


def _job_id(payload: Any) -> str:
    named = payload.get("serviceJobId") if isinstance(payload, dict) else None
    job_id = storable(named) if isinstance(named, str) else ""
    return job_id if len(job_id) <= 100 else ""


def _known(jobs: QuerySet[ServiceJob], job_ids: Collection[str]) -> dict[str, _Known]:
    found = jobs.filter(service_job_id__in=job_ids) if job_ids else jobs.none()
    columns = ("service_job_id", "pk", "digest", "fetched_at", "gone_at", "closed_at")
    return {job_id: _Known(*values) for job_id, *values in found.values_list(*columns)}


def _write(
    seller: Seller, news: dict[str, JobRecord], known: Collection[str], fetched_at: dt.datetime
) -> Collection[str]:
    """Write jobs that are news; return the ids of those that still were."""
    now = job_rows.changed_now()
    for record in news.values():
        record.columns |= now
    unknown = {job_id: record for job_id, record in news.items() if job_id not in known}
    new = job_rows.insert_jobs(seller, unknown)
    # Known before, or put in by somebody else since we looked.
    here = {job_id: record for job_id, record in news.items() if job_id not in new}
    changed = _still_news(seller, here, fetched_at)
    job_rows.overwrite_jobs({pk: news[job_id] for job_id, pk in changed.items()})
    written = new | changed
    job_rows.write_parts(
        {pk: news[job_id] for job_id, pk in written.items()}, changed=list(changed.values())
    )
    return written.keys()


def _still_news(
    seller: Seller, news: dict[str, JobRecord], fetched_at: dt.datetime
) -> dict[str, int]:
    """Lock jobs that are here; return the row ids of those that show no later state by now."""
    jobs = ServiceJob.objects.select_for_update().filter(seller=seller)
    return {
        job_id: known.pk
        for job_id, known in _known(jobs.order_by("service_job_id"), news).items()
        if known.is_outdated_by(news[job_id].columns["digest"], fetched_at)
    }
