"""Deletes what must not be kept any longer: buyers of closed jobs, old jobs, disconnected sellers.

What was erased is recorded. A run may be cut off anywhere: the next one goes on.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from django.db import transaction
from django.db.models import Min, QuerySet

from dispatch.models import (
    Action,
    ActionFile,
    Appointment,
    AssociatedItem,
    Erasure,
    JobReference,
    JobWord,
    Seller,
    ServiceJob,
)
from dispatch.models.retention import KEEP_BUYER_FOR, KEEP_JOBS_FOR, KEEP_SELLER_FOR
from dispatch.services.audit import activity
from dispatch.services.mirror import revisions, rewrite

BATCH = 500

_Act = Callable[[Seller, list[int], dt.datetime], Counter[str]]


def due(now: dt.datetime) -> Counter[str]:
    """Return how many of what a run would erase: ``{"buyers": …, "jobs": …, "sellers": …}``.

    ``buyers`` counts the jobs whose buyer would be erased.
    """
    return Counter(
        buyers=_with_buyers(now).count(),
        jobs=_old_jobs(now).count(),
        sellers=_gone_sellers(now).count(),
    )


def run(now: dt.datetime) -> Counter[str]:
    """Erase what is due and record it; returns what was erased, in the shape of `due`."""
    erased: Counter[str] = Counter()
    for seller in _gone_sellers(now):
        wipe(seller, now)
        erased["sellers"] += 1
    erased["jobs"] = _run(Erasure.Kind.JOBS, _old_jobs(now), _delete, now)
    erased["buyers"] = _run(Erasure.Kind.BUYERS, _with_buyers(now), _erase, now)
    return erased


def wipe(seller: Seller, now: dt.datetime) -> Erasure:
    """Delete everything that came from Amazon for a disconnected seller; returns the certificate.

    What stays is the account's name, its people, and the record that this was done. Raises
    ValueError for a seller that is connected.
    """
    if seller.disconnected_at is None:
        raise ValueError("the seller is connected")
    counts: Counter[str] = Counter()
    for keys in _batches(seller.jobs.all()):
        counts += _delete(seller, keys, now)
    with transaction.atomic():
        for rows in (seller.actions, seller.technicians, seller.reason_codes, seller.sync_jobs):
            counts += _deleted(rows.all())
        Seller.objects.filter(pk=seller.pk).update(erased_at=now, synced_at=None)
        certificate = Erasure.objects.create(
            kind=Erasure.Kind.SELLER,
            at=now,
            seller_id=seller.pk,
            seller_name=seller.name,
            due_since=seller.disconnected_at,
            counts=dict(counts),
        )
        activity.record(
            activity.Kind.ERASED, seller=seller, why=Erasure.Kind.SELLER, jobs=counts["jobs"]
        )
    return certificate


def _with_buyers(now: dt.datetime) -> QuerySet[ServiceJob]:
    return ServiceJob.objects.filter(erased_at=None, closed_at__lte=now - KEEP_BUYER_FOR)


def _old_jobs(now: dt.datetime) -> QuerySet[ServiceJob]:
    return ServiceJob.objects.filter(closed_at__lte=now - KEEP_JOBS_FOR)


def _gone_sellers(now: dt.datetime) -> QuerySet[Seller]:
    return Seller.objects.filter(erased_at=None, disconnected_at__lte=now - KEEP_SELLER_FOR)


def _run(kind: Erasure.Kind, rows: QuerySet[ServiceJob], act: _Act, now: dt.datetime) -> int:
    """Erase some jobs' data seller by seller, and keep one record of it all; returns how many."""
    oldest = rows.aggregate(oldest=Min("closed_at"))["oldest"]
    counts: Counter[str] = Counter()
    for seller in Seller.objects.filter(pk__in=rows.values("seller").distinct()):
        for keys in _batches(rows.filter(seller=seller)):
            counts += act(seller, keys, now)
    if counts:
        with transaction.atomic():
            Erasure.objects.create(kind=kind, at=now, due_since=oldest, counts=dict(counts))
            activity.record(activity.Kind.ERASED, why=kind, jobs=counts["jobs"])
    return counts["jobs"]


def _erase(seller: Seller, keys: list[int], now: dt.datetime) -> Counter[str]:
    """Erase the buyers of jobs, and the files that wait to be sent for them."""
    ActionFile.objects.filter(action__job__in=keys).delete()
    return Counter(jobs=rewrite.erase_buyers(seller, keys, at=now))


def _delete(seller: Seller, keys: list[int], now: dt.datetime) -> Counter[str]:
    """Delete jobs and all rows that refer to them, table by table, without fetching a row."""
    counts: Counter[str] = Counter()
    with transaction.atomic():
        for part in (Action, Appointment, AssociatedItem, JobReference, JobWord):
            counts += _deleted(part._default_manager.filter(job__in=keys))
        counts["jobs"] += seller.jobs.filter(pk__in=keys).delete()[0]
        revisions.bump(seller)
    return counts


def _deleted(rows: QuerySet[Any]) -> Counter[str]:
    name = rows.model._meta.verbose_name_plural
    return Counter({str(name): count}) if (count := rows.delete()[0]) else Counter()


def _batches(jobs: QuerySet[ServiceJob]) -> Iterator[list[int]]:
    """Yield the keys of jobs in batches. Each must be dealt with before the next is asked for."""
    while keys := list(jobs.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        yield keys
