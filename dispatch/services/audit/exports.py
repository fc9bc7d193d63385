"""Rows for CSV files: safe to open in a spreadsheet, with buyer data only for those who may see it.

Every export is recorded in the log, with its number of rows.
"""

from __future__ import annotations

import json
import re
import uuid
from collections import Counter
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager

from django.core.cache import cache
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from dispatch.models import Activity, Membership, Person, Seller, ServiceJob
from dispatch.selectors.access import DISPATCHES
from dispatch.services.audit import activity

PUBLIC_COLUMNS = (
    _("Job id"), _("Order id"), _("Seller"), _("Title"), _("Status"), _("Start (UTC)"),
    _("End (UTC)"), _("Time zone"), _("Technicians"), _("City"), _("State"), _("Country"),
    _("Store"), _("Created (UTC)"),
)  # fmt: skip
_FORMULA = re.compile(r"[\s\0\ufeff\u200b-\u200f\u2060]*[=+\-@＝＋－＠]|[\t\r\n]")
"""The beginning of a formula, also behind invisible signs and in the wide forms of its sign."""
BUYER_COLUMNS = (_("Buyer"), _("Phone"), _("Street"), _("Postal code"))


MOST_AN_HOUR = 20

Row = tuple[str, ...]


def admitted(person: Person) -> bool:
    """Count one more export of this person; returns False beyond `MOST_AN_HOUR`.

    All processes count together, in the cache.
    """
    key = f"exports.{person.pk}.{timezone.now():%Y%m%d%H}"
    cache.add(key, 0, 3600)
    return bool(cache.incr(key) <= MOST_AN_HOUR)


def rows(*, person: Person, jobs: Iterable[ServiceJob]) -> Generator[Row, None, None]:
    """Return a CSV file's rows: a heading, then one for each job.

    Buyer columns are filled only for sellers that this person dispatches for. The export is
    recorded for each seller when it ends, also when it is broken off.
    """
    # The rows are asked for one by one when the request that asked for them is answered.
    return _rows(person, jobs, activity.asking())


def _rows(
    person: Person, jobs: Iterable[ServiceJob], asked: activity.Asking
) -> Generator[Row, None, None]:
    open_to = set(
        Membership.objects.filter(person=person, role__in=DISPATCHES).values_list(
            "seller_id", flat=True
        )
    )
    columns = PUBLIC_COLUMNS + BUYER_COLUMNS if open_to else PUBLIC_COLUMNS
    yield tuple(map(str, columns))
    with recorded(person, "jobs", asked, buyers=open_to) as count:
        for job in jobs:
            count[job.seller] += 1
            cells = _public(job)
            if open_to:
                cells += _buyer(job) if job.seller_id in open_to else ("",) * len(BUYER_COLUMNS)
            yield tuple(map(inert, cells))


@contextmanager
def recorded(
    person: Person, what: str, asked: activity.Asking, *, buyers: Collection[uuid.UUID] = ()
) -> Iterator[Counter[Seller | None]]:
    """Count the rows that are handed out of each seller, and record them when the block ends.

    ``buyers`` are the ids of the sellers whose buyer data is handed out with them.
    """
    count: Counter[Seller | None] = Counter()
    try:
        yield count
    finally:
        _record(person, what, count, buyers, asked)


@transaction.atomic
def _record(
    person: Person,
    what: str,
    count: Mapping[Seller | None, int],
    buyers: Collection[uuid.UUID],
    asked: activity.Asking,
) -> None:
    for seller, number in (count or {None: 0}).items():
        activity.record(
            activity.Kind.EXPORTED,
            person=person,
            seller=seller,
            asked=asked,
            what=what,
            rows=number,
            buyers=seller is not None and seller.pk in buyers,
        )


ACTIVITY_COLUMNS = (
    _("Number"), _("At (UTC)"), _("What"), _("Person"), _("Seller"), _("On what"), _("From"),
    _("Detail"), _("Hash"),
)  # fmt: skip


def activity_rows(
    *, person: Person, rows: Iterable[Activity], sellers: Mapping[uuid.UUID, Seller]
) -> Generator[Row, None, None]:
    """Return a CSV file's rows: a heading, then one for each row of the log.

    ``sellers``, by id, are those for which the export is recorded.
    """
    return _activity_rows(person, rows, sellers, activity.asking())


def _activity_rows(
    person: Person,
    rows: Iterable[Activity],
    sellers: Mapping[uuid.UUID, Seller],
    asked: activity.Asking,
) -> Generator[Row, None, None]:
    yield tuple(map(str, ACTIVITY_COLUMNS))
    with recorded(person, "activity", asked) as count:
        for row in rows:
            count[sellers.get(row.seller_id) if row.seller_id else None] += 1
            detail = json.dumps(row.detail, ensure_ascii=False, sort_keys=True)
            cells = (
                str(row.number), row.at.isoformat(), row.kind, row.person_email, row.seller_name,
                row.subject, row.origin, detail, row.hash,
            )  # fmt: skip
            yield tuple(map(inert, cells))


def _public(job: ServiceJob) -> tuple[str, ...]:
    moments = (job.scheduled_start, job.scheduled_end)
    start, end = (moment.isoformat() if moment else "" for moment in moments)
    return (
        job.service_job_id, job.service_order_id, job.seller.name, job.title,
        job.get_status_display(), start, end, job.time_zone, job.technician_names, job.city,
        job.state_or_region, job.country_code, job.store_id,
        job.created_at.isoformat() if job.created_at else "",
    )  # fmt: skip


def _buyer(job: ServiceJob) -> tuple[str, ...]:
    buyer = job.buyer_data
    address = buyer.get("address", {})
    lines = (address.get(f"address_line{number}", "") for number in (1, 2, 3))
    return (
        buyer.get("name", ""),
        buyer.get("phone", ""),
        ", ".join(filter(None, lines)),
        address.get("postal_code", ""),
    )


def inert(cell: str) -> str:
    """Return a cell's text, quoted where a spreadsheet would take it for a formula."""
    return f"'{cell}" if _FORMULA.match(cell) else cell
