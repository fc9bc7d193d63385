"""Writes a job's own row and the rows that belong to it, and of a changed job only what differs.

Appointments and items are lists that are written anew where one of them differs. References and
words are sets of which single rows come and go; each carries a copy of its job's `COPIED` columns,
by which it is sorted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from django.utils import timezone

from dispatch.models import (
    Appointment,
    AssociatedItem,
    JobReference,
    JobWord,
    Seller,
    ServiceJob,
)
from dispatch.models.jobs import month_of
from dispatch.services.mirror.rows import Row, Rows
from dispatch.services.mirror.translate import (
    APPOINTMENT_COLUMNS,
    ITEM_COLUMNS,
    REFERENCE_COLUMNS,
    WORD_COLUMNS,
    JobRecord,
)

COPIED = ("status", "scheduled_key")
_IDENTITY = ("id", "seller", "service_job_id")
_COLUMNS = [field.name for field in ServiceJob._meta.concrete_fields if field.name not in _IDENTITY]
_NEW_JOBS = Rows(ServiceJob, "seller", "service_job_id", *_COLUMNS)
_CHANGED_JOBS = Rows(ServiceJob, *_COLUMNS, "id")
_APPOINTMENTS = Rows(Appointment, "job", *APPOINTMENT_COLUMNS)
_ITEMS = Rows(AssociatedItem, "job", *ITEM_COLUMNS)
_REFERENCES = Rows(JobReference, "job", *REFERENCE_COLUMNS, *COPIED)
_WORDS = Rows(JobWord, "job", *WORD_COLUMNS, *COPIED)


def changed_now() -> dict[str, Any]:
    """Return the columns that date a change by when it is written.

    The moment of asking would not do: a page that was made in between lacks the change.
    """
    now = timezone.now()
    return {"changed_at": now, "changed_month": month_of(now)}


def insert_jobs(seller: Seller, records: dict[str, JobRecord]) -> dict[str, int]:
    """Put jobs in by their Amazon ids; return the row ids of those that were not there already."""
    # In one order everywhere, so that two who store the same jobs never wait for each other.
    rows = [
        (seller.pk, job_id, *(records[job_id].columns[name] for name in _COLUMNS))
        for job_id in sorted(records)
    ]
    return dict(_NEW_JOBS.insert_new(rows, returning=("service_job_id", "id")))


def overwrite_jobs(records: dict[int, JobRecord]) -> None:
    """Write whole jobs over those with these row ids."""
    _CHANGED_JOBS.update(
        ((*(record.columns[name] for name in _COLUMNS), pk) for pk, record in records.items()),
        by=1,
    )


def overwrite_some_columns(records: dict[int, JobRecord]) -> None:
    """Write those columns that the records have, the same for all of them, over these rows."""
    names = tuple(next(iter(records.values())).columns)
    rows = ((*record.columns.values(), pk) for pk, record in records.items())
    Rows(ServiceJob, *names, "id").update(rows, by=1)


def write_parts(records: dict[int, JobRecord], changed: Collection[int]) -> None:
    """Write the rows that belong to these jobs; those of ``changed`` may have some already."""
    copied = {pk: tuple(record.columns[name] for name in COPIED) for pk, record in records.items()}
    appointments = {pk: record.appointments for pk, record in records.items()}
    _write_lists(_APPOINTMENTS, appointments, changed)
    _write_lists(_ITEMS, {pk: record.items for pk, record in records.items()}, changed)
    references = {pk: record.references for pk, record in records.items()}
    _write_sets(_REFERENCES, references, copied, changed)
    _write_sets(_WORDS, {pk: record.words for pk, record in records.items()}, copied, changed)


def write_words(records: dict[int, JobRecord]) -> None:
    """Write only the words of these jobs, which are there already."""
    there = ServiceJob.objects.filter(pk__in=records).values_list("pk", *COPIED)
    copied = {pk: tuple(row) for pk, *row in there}
    _write_sets(_WORDS, {pk: record.words for pk, record in records.items()}, copied, list(records))


def _write_lists(rows: Rows, wanted: dict[int, list[Row]], changed: Collection[int]) -> None:
    there = _rows_of(changed, rows)
    same = {pk for pk in changed if there[pk] == wanted[pk]}
    Rows(rows.model, "job").delete((pk,) for pk in changed if pk not in same and there[pk])
    rows.insert((pk, *row) for pk, own in wanted.items() if pk not in same for row in own)


def _write_sets(
    rows: Rows, wanted: dict[int, set[Row]], copied: dict[int, Row], changed: Collection[int]
) -> None:
    size = len(COPIED)
    there = {
        pk: {row[:-size]: row[-size:] for row in own} for pk, own in _rows_of(changed, rows).items()
    }
    none: dict[Row, Row] = {}
    gone = ((pk, *row) for pk, own in there.items() for row in own.keys() - wanted[pk])
    Rows(rows.model, *rows.names[:-size]).delete(gone)
    moved = [(*copied[pk], pk) for pk, own in there.items() if {*own.values()} - {copied[pk]}]
    Rows(rows.model, *COPIED, "job").update(moved, by=1)
    rows.insert(
        (pk, *row, *copied[pk])
        for pk, own in wanted.items()
        for row in sorted(own - there.get(pk, none).keys())
    )


def _rows_of(jobs: Collection[int], rows: Rows) -> dict[int, list[Row]]:
    """Return the rows that these jobs have in a table, by job and without its id."""
    found: dict[int, list[Row]] = defaultdict(list)
    if jobs:
        kept = rows.model._default_manager.filter(job__in=jobs).order_by("pk")
        for pk, *row in kept.values_list(*rows.names):
            found[pk].append(tuple(row))
    return found
