"""Writes jobs that are here again: without their buyers, or sealed under another key."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from dispatch.models import Seller
from dispatch.models import ServiceJob as KeptJob
from dispatch.models.keyring import keyring
from dispatch.services.mirror import job_rows, revisions
from dispatch.services.mirror.definitions import ServiceJob
from dispatch.services.mirror.translate import (
    JobRecord,
    as_text,
    columns_without_buyer,
    sealed_columns,
    without_buyer,
    word_rows,
)


def erase_buyers(seller: Seller, keys: Collection[int], *, at: dt.datetime) -> int:
    """Take the buyers out of the jobs with these row ids for good, and the words that led to them.

    Returns how many were erased; those that are erased already do not count.
    """
    with transaction.atomic():
        jobs = _locked(seller, keys).filter(erased_at=None)
        records = {job.pk: _erased(job, at) for job in jobs}
        _rewrite(records)
        if records:
            revisions.bump(seller)
    return len(records)


def reseal(seller: Seller, keys: Collection[int]) -> None:
    """Write the jobs with these row ids under the first of ``FIELD_KEYS``.

    That concerns their sealed values, digests and words.
    """
    with transaction.atomic():
        _rewrite({job.pk: _resealed(job) for job in _locked(seller, keys)})


def _locked(seller: Seller, keys: Collection[int]) -> QuerySet[KeptJob]:
    return seller.jobs.filter(pk__in=keys).select_for_update().order_by("service_job_id")


def _erased(job: KeptJob, at: dt.datetime) -> JobRecord:
    payload = job.payload or {}
    columns = columns_without_buyer(payload, str(job.seal_owner), erased_at=at)
    return _record(job, columns, without_buyer(payload))


def _resealed(job: KeptJob) -> JobRecord:
    text = as_text(job.payload) if job.payload else ""
    # Of an erased job we no longer know what Amazon showed: its next answer will be news.
    known = text and not job.erased_at
    columns = {
        **sealed_columns(job.buyer, text, str(job.seal_owner)),
        "digest": keyring().digest(text, str(job.seller_id)) if known else "",
    }
    return _record(job, columns, job.payload or {})


def _record(job: KeptJob, columns: dict[str, Any], payload: dict[str, Any]) -> JobRecord:
    words = word_rows(ServiceJob.model_validate(payload), job.seller_id)
    return JobRecord(columns, appointments=[], items=[], references=set(), words=words)


def _rewrite(records: dict[int, JobRecord]) -> None:
    if records:
        job_rows.overwrite_some_columns(records)
        job_rows.write_words(records)
