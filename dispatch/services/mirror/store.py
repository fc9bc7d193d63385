"""Writes what Amazon shows into the mirror: the one place that translates its names into ours."""

from __future__ import annotations

import datetime as dt
import json
import zoneinfo
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from dispatch.models import (
    CLOSED_STATUSES,
    UNSCHEDULED,
    Appointment,
    AssociatedItem,
    JobReference,
    JobStatus,
    JobWord,
    Seller,
    ServiceJob,
)
from dispatch.models.jobs import month_of, seal_owner
from dispatch.models.keyring import keyring
from dispatch.models.retention import KEEP_BUYER_FOR
from dispatch.models.words import phone_words, split_words
from dispatch.services.amazon.definition import EARLIEST, storable
from dispatch.services.mirror import revisions, translate
from dispatch.services.mirror.rows import Row, Rows
from dispatch.services.mirror.zones import zone_for

Payload = dict[str, Any]
Kind = JobReference.Kind
_KEPT = ("id", "seller", "service_job_id")
_COLUMNS = [field.name for field in ServiceJob._meta.concrete_fields if field.name not in _KEPT]
_NEW = Rows(ServiceJob, "seller", "service_job_id", *_COLUMNS)
_CHANGED = Rows(ServiceJob, *_COLUMNS, "id")
_VISITS = Rows(
    Appointment, "job", "appointment_id", "status", "start", "duration_minutes",
    "rescheduled_to", "technicians", "proof_type", "proof_at",
)  # fmt: skip
_ITEMS = Rows(
    AssociatedItem, "job", "asin", "title", "brand", "quantity", "order_id", "status",
    "delivery_estimate",
)  # fmt: skip
_CARRIED = ("status", "scheduled_key")
_REFERENCES = Rows(JobReference, "job", "seller", "kind", "value", *_CARRIED)
_WORDS = Rows(JobWord, "job", "word_hash", *_CARRIED)
_NOT_THE_BUYERS = (
    "serviceJobId", "serviceOrderId", "createTime", "serviceJobStatus", "scopeOfWork", "seller",
    "serviceJobProvider", "preferredAppointmentTimes", "appointments", "marketplaceId", "storeId",
    "associatedItems",
)  # fmt: skip
_BUYER: Any = ServiceJob._meta.get_field("buyer")
_PAYLOAD: Any = ServiceJob._meta.get_field("payload")
_zone_for = lru_cache(maxsize=4096)(zone_for)


@dataclass(slots=True)
class _Shown:
    """A job as Amazon shows it: ``text`` is the payload in the one form that has this digest."""

    payload: Payload
    text: str
    digest: str


@dataclass(slots=True)
class _Sheet:
    """A job as it will be kept: its columns, and the rows that hang on it, without its id."""

    columns: dict[str, Any]
    visits: list[Row]
    items: list[Row]
    references: set[Row]
    words: set[Row]


@dataclass(slots=True)
class _Known:
    """What the mirror holds already, as far as it tells whether an answer is news."""

    pk: int
    digest: str
    fetched_at: dt.datetime
    gone_at: dt.datetime | None
    closed_at: dt.datetime | None

    def differs(self, digest: str, fetched_at: dt.datetime) -> bool:
        changed = digest != self.digest or self.gone_at is not None
        return changed and self.fetched_at <= fetched_at


def store(
    seller: Seller,
    payloads: Iterable[Payload],
    *,
    fetched_at: dt.datetime,
    origin: str = "getServiceJobs",
) -> list[str]:
    """Upsert a page of Amazon's ``ServiceJob`` objects; returns the ids of those that changed.

    ``fetched_at`` is when the request was sent: a row that shows a later state is left alone, so
    that a slow page never undoes what a person has just seen. Unchanged jobs cost one look and no
    transaction; of a changed one only what differs is written. Any number of pages will do.
    The buyer of a job closed longer than `KEEP_BUYER_FOR` ago is not kept at all. ``origin`` is
    the operation that was asked.
    """
    shown = _shown(seller, payloads)
    known = _known(ServiceJob.objects.filter(seller=seller), shown)
    sheets = {
        job_id: _sheet(seller, one, fetched_at, origin, known.get(job_id))
        for job_id, one in shown.items()
        if job_id not in known or known[job_id].differs(one.digest, fetched_at)
    }
    if not sheets:
        return []
    with transaction.atomic():
        written = _write(seller, sheets, known, fetched_at)
        if written:
            revisions.bump(seller)
    return [job_id for job_id in sheets if job_id in written]


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
            **_changed_now(),
        )
        if marked:
            job.references.update(status=JobStatus.GONE)
            job.words.update(status=JobStatus.GONE)
            revisions.bump(job.seller)


def erase_buyers(seller: Seller, keys: Collection[int], *, at: dt.datetime) -> int:
    """Take the buyers out of these jobs for good, and the words that led to them.

    Returns how many were erased; those that are erased already do not count.
    """
    with transaction.atomic():
        jobs = _locked(seller, keys).filter(erased_at=None)
        sheets = {job.pk: _erased(job, at) for job in jobs}
        _rewrite(seller, sheets)
        if sheets:
            revisions.bump(seller)
    return len(sheets)


def reseal(seller: Seller, keys: Collection[int]) -> None:
    """Write these jobs again under the first of ``FIELD_KEYS``: values, fingerprint and words."""
    with transaction.atomic():
        _rewrite(seller, {job.pk: _resealed(job) for job in _locked(seller, keys)})


def _locked(seller: Seller, keys: Collection[int]) -> QuerySet[ServiceJob]:
    return seller.jobs.filter(pk__in=keys).select_for_update().order_by("service_job_id")


def _erased(job: ServiceJob, at: dt.datetime) -> _Sheet:
    source = translate.ServiceJob.model_validate(without_buyer(job.payload or {}))
    return _sheet_of(
        job, _bare(job.payload or {}, seal_owner(job.seller_id, job.service_job_id), at), source
    )


def _resealed(job: ServiceJob) -> _Sheet:
    ring, payload = keyring(), job.payload
    owner = seal_owner(job.seller_id, job.service_job_id)
    text = _in_one_form(payload) if payload else ""
    columns = {
        "buyer": _BUYER.seal(_BUYER.encode(job.buyer), owner) if job.buyer else "",
        "payload": _PAYLOAD.seal(text, owner) if text else "",
        # Of an erased job we no longer know what Amazon showed: its next answer will be news.
        "digest": ring.digest(text, str(job.seller_id)) if text and not job.erased_at else "",
    }
    return _sheet_of(job, columns, translate.ServiceJob.model_validate(payload or {}))


def _sheet_of(job: ServiceJob, columns: dict[str, Any], source: translate.ServiceJob) -> _Sheet:
    """Some columns of a job that is there, and the words it is found by; the rest stays."""
    return _Sheet(columns, [], [], set(), _words(source, job.seller_id))


def _rewrite(seller: Seller, sheets: dict[int, _Sheet]) -> None:
    if not sheets:
        return
    names = tuple(next(iter(sheets.values())).columns)
    rows = ((*sheet.columns.values(), pk) for pk, sheet in sheets.items())
    Rows(ServiceJob, *names, "id").update(rows, by=1)
    there = seller.jobs.filter(pk__in=sheets)
    carried = {pk: tuple(row) for pk, *row in there.values_list("pk", *_CARRIED)}
    _write_sets(_WORDS, {pk: sheet.words for pk, sheet in sheets.items()}, carried, list(sheets))


def without_buyer(payload: Payload) -> Payload:
    """What of Amazon's answer tells nothing of the buyer: what is not named here is left out."""
    kept = {name: payload[name] for name in _NOT_THE_BUYERS if name in payload}
    place = payload.get("serviceLocation")
    if isinstance(place, dict):
        address = place.get("address")
        region = address if isinstance(address, dict) else {}
        kept["serviceLocation"] = {
            **{name: place[name] for name in ("serviceLocationType",) if name in place},
            "address": {
                name: region[name] for name in ("stateOrRegion", "countryCode") if name in region
            },
        }
    return kept


def _bare(payload: Payload, owner: str, at: dt.datetime) -> dict[str, Any]:
    """The columns that change when a buyer goes."""
    text = _in_one_form(without_buyer(payload))
    sealed = _PAYLOAD.seal(text, owner)
    return {"city": "", "buyer": "", "payload": sealed, "erased_at": at}


def _in_one_form(payload: Payload) -> str:
    return json.dumps(payload, sort_keys=True, separators=(",", ":"))


def _shown(seller: Seller, payloads: Iterable[Payload]) -> dict[str, _Shown]:
    """By id: without one there is nothing to keep a job under. The last of a page counts."""
    ring, scope, found = keyring(), str(seller.pk), {}
    for payload in payloads:
        if job_id := _job_id(payload):
            text = _in_one_form(payload)
            found[job_id] = _Shown(payload, text, ring.digest(text, scope))
    return found


def _job_id(payload: Any) -> str:
    named = payload.get("serviceJobId") if isinstance(payload, dict) else None
    job_id = storable(named) if isinstance(named, str) else ""
    return job_id if len(job_id) <= 100 else ""


def _known(jobs: QuerySet[ServiceJob], job_ids: Collection[str]) -> dict[str, _Known]:
    found = jobs.filter(service_job_id__in=job_ids) if job_ids else jobs.none()
    columns = ("service_job_id", "pk", "digest", "fetched_at", "gone_at", "closed_at")
    return {job_id: _Known(*values) for job_id, *values in found.values_list(*columns)}


# --- Writing ----------------------------------------------------------------------------------


def _write(
    seller: Seller, sheets: dict[str, _Sheet], known: Collection[str], fetched_at: dt.datetime
) -> Collection[str]:
    """Write jobs that are news; returns the ids of those that still were."""
    moment = _changed_now()
    for sheet in sheets.values():
        sheet.columns |= moment
    new = _insert(seller, {key: sheet for key, sheet in sheets.items() if key not in known})
    # Known before, or put in by somebody else since we looked.
    changed = _update(
        seller, {key: sheet for key, sheet in sheets.items() if key not in new}, fetched_at
    )
    written = {pk: sheets[key] for key, pk in (new | changed).items()}
    carried = {pk: tuple(sheet.columns[name] for name in _CARRIED) for pk, sheet in written.items()}
    old = list(changed.values())
    _write_lists(_VISITS, {pk: sheet.visits for pk, sheet in written.items()}, old)
    _write_lists(_ITEMS, {pk: sheet.items for pk, sheet in written.items()}, old)
    _write_sets(_REFERENCES, {pk: sheet.references for pk, sheet in written.items()}, carried, old)
    _write_sets(_WORDS, {pk: sheet.words for pk, sheet in written.items()}, carried, old)
    return new.keys() | changed.keys()


def _changed_now() -> dict[str, Any]:
    """The columns that date a change: by when it was written, for pages made before lack it."""
    now = timezone.now()
    return {"changed_at": now, "changed_month": month_of(now)}


def _insert(seller: Seller, sheets: dict[str, _Sheet]) -> dict[str, int]:
    """Put new jobs in; gives back their rows' ids, without those that were there after all."""
    # In one order everywhere, so that two who store the same jobs never wait for each other.
    rows = [
        (seller.pk, key, *(sheets[key].columns[name] for name in _COLUMNS))
        for key in sorted(sheets)
    ]
    return dict(_NEW.insert_new(rows, returning=("service_job_id", "id")))


def _update(seller: Seller, sheets: dict[str, _Sheet], fetched_at: dt.datetime) -> dict[str, int]:
    """Write over known jobs, unless they show a later state by now; gives back their rows' ids."""
    jobs = ServiceJob.objects.select_for_update().filter(seller=seller)
    still = {
        key: row.pk
        for key, row in _known(jobs.order_by("service_job_id"), sheets).items()
        if row.differs(sheets[key].columns["digest"], fetched_at)
    }
    _CHANGED.update(
        ((*(sheets[key].columns[name] for name in _COLUMNS), pk) for key, pk in still.items()),
        by=1,
    )
    return still


def _write_lists(rows: Rows, wanted: dict[int, list[Row]], changed: list[int]) -> None:
    """Appointments and items: a job's own are written anew where any of them differs."""
    there = _there(rows, changed)
    same = {pk for pk in changed if there[pk] == wanted[pk]}
    Rows(rows.model, "job").delete((pk,) for pk in changed if pk not in same and there[pk])
    rows.insert((pk, *row) for pk, own in wanted.items() if pk not in same for row in own)


def _write_sets(
    rows: Rows, wanted: dict[int, set[Row]], carried: dict[int, Row], changed: list[int]
) -> None:
    """References and words: only those that came or went. All carry what their job does."""
    size = len(_CARRIED)
    there = {
        pk: {row[:-size]: row[-size:] for row in own} for pk, own in _there(rows, changed).items()
    }
    none: dict[Row, Row] = {}
    gone = ((pk, *row) for pk, own in there.items() for row in own.keys() - wanted[pk])
    Rows(rows.model, *rows.names[:-size]).delete(gone)
    moved = [(*carried[pk], pk) for pk, own in there.items() if {*own.values()} - {carried[pk]}]
    Rows(rows.model, *_CARRIED, "job").update(moved, by=1)
    rows.insert(
        (pk, *row, *carried[pk])
        for pk, own in wanted.items()
        for row in sorted(own - there.get(pk, none).keys())
    )


def _there(rows: Rows, jobs: list[int]) -> dict[int, list[Row]]:
    """The rows that these jobs have, without their job."""
    found: dict[int, list[Row]] = defaultdict(list)
    if jobs:
        kept = rows.model._default_manager.filter(job__in=jobs).order_by("pk")
        for pk, *row in kept.values_list(*rows.names):
            found[pk].append(tuple(row))
    return found


# --- Translating ------------------------------------------------------------------------------


def _sheet(
    seller: Seller, shown: _Shown, fetched_at: dt.datetime, origin: str, known: _Known | None
) -> _Sheet:
    source = translate.ServiceJob.model_validate(shown.payload)
    columns = _columns(seller, source, shown, fetched_at)
    columns["origin"] = origin
    closed = _closed_at(columns, known)
    columns["closed_at"], columns["erased_at"] = closed, None
    if closed and closed <= fetched_at - KEEP_BUYER_FOR:
        owner = seal_owner(seller.pk, source.service_job_id)
        columns |= _bare(shown.payload, owner, fetched_at)
        source = translate.ServiceJob.model_validate(without_buyer(shown.payload))
    return _Sheet(
        columns,
        list(_visits(source)),
        list(_items(source)),
        {(seller.pk, kind, value) for kind, value in _references(source) if value},
        _words(source, seller.pk),
    )


def _words(source: translate.ServiceJob, seller_id: object) -> set[Row]:
    return {(word,) for word in keyring().hashes_of(words_of(source), str(seller_id))}


def _closed_at(columns: dict[str, Any], known: _Known | None) -> dt.datetime | None:
    """When a closed job ended: the end of its visit, unless we heard of it before that."""
    if columns["status"] not in CLOSED_STATUSES:
        return None
    heard: dt.datetime = (known and known.closed_at) or columns["fetched_at"]
    end = columns.get("scheduled_end")
    return min(heard, end) if end else heard


def _columns(
    seller: Seller, source: translate.ServiceJob, shown: _Shown, fetched_at: dt.datetime
) -> dict[str, Any]:
    address, work = source.address, source.work
    place, owner = source.service_location, seal_owner(seller.pk, source.service_job_id)
    created = source.create_time or EARLIEST
    zone = _zone_for(
        country=address.country_code or "",
        state=address.state_or_region or "",
        postal_code=address.postal_code or "",
        default=seller.time_zone,
    )
    return {
        "service_order_id": _cut(source.service_order_id, 20),
        "status": _cut(source.service_job_status, 20),
        "marketplace_id": _cut(source.marketplace_id, 20),
        "store_id": _cut(source.store_id, 100),
        "asin": _cut(work.asin, 20),
        "title": _cut(work.title, 500),
        "quantity": max(1, min(work.quantity or 1, 1_000_000)),
        "location_type": _cut(place.service_location_type if place else "", 20),
        "city": _cut(address.city, 100),
        "state_or_region": _cut(address.state_or_region, 100),
        "country_code": _cut(address.country_code, 2),
        "time_zone": zone,
        "created_at": source.create_time,
        "created_key": created,
        "created_month": month_of(created),
        "preferred_times": _preferred(source),
        "buyer": _BUYER.seal(_BUYER.encode(_buyer(source)), owner),
        "payload": _PAYLOAD.seal(shown.text, owner),
        "digest": shown.digest,
        "fetched_at": fetched_at,
        "gone_at": None,
        **_schedule(source, zone),
    }


def _schedule(source: translate.ServiceJob, zone: str) -> dict[str, Any]:
    """The columns of the current appointment."""
    current = source.current_appointment or translate.Appointment()
    names = [t.name or t.technician_id or "" for t in current.assigned_technicians]
    start = current.start
    return {
        "appointment_id": _cut(current.appointment_id, 100),
        "appointment_status": _cut(current.appointment_status, 20),
        "scheduled_start": start,
        "scheduled_end": current.end,
        "scheduled_key": int(start.timestamp()) if start else UNSCHEDULED,
        "local_date": start.astimezone(zoneinfo.ZoneInfo(zone)).date() if start else None,
        "technician_count": len(names),
        "technician_names": _cut(", ".join(sorted(filter(None, names))), 300),
    }


def _preferred(source: translate.ServiceJob) -> list[dict[str, Any]]:
    return [
        {
            "startTime": wish.start_time.isoformat(),
            "durationInMinutes": wish.duration_in_minutes or 0,
        }
        for wish in source.preferred_appointment_times
        if wish.start_time
    ]


def _buyer(source: translate.ServiceJob) -> dict[str, Any]:
    buyer = source.buyer or translate.Buyer()
    return {
        "name": buyer.name or source.address.name or "",
        "phone": buyer.phone or source.address.phone or "",
        "prime": bool(buyer.is_prime_member),
        "address": source.address.model_dump(exclude_none=True),
    }


def _visits(source: translate.ServiceJob) -> Iterator[Row]:
    visits = {visit.appointment_id: visit for visit in source.appointments if visit.appointment_id}
    for appointment_id, visit in visits.items():
        yield (
            _cut(appointment_id, 100),
            _cut(visit.appointment_status, 20),
            visit.start,
            visit.minutes if (visit.minutes or 0) > 0 else None,
            _cut(visit.rescheduled_appointment_id, 100),
            [
                {"technicianId": t.technician_id or "", "name": t.name or ""}
                for t in visit.assigned_technicians
            ],
            _cut(visit.poa.poa_type if visit.poa else "", 30),
            visit.poa.upload_time if visit.poa else None,
        )


def _items(source: translate.ServiceJob) -> Iterator[Row]:
    for item in source.associated_items:
        delivery = item.item_delivery
        yield (
            _cut(item.asin, 20),
            _cut(item.title, 500),
            _cut(item.brand_name, 200),
            item.quantity if (item.quantity or 0) > 0 else None,
            _cut(item.order_id, 20),
            _cut(item.item_status, 20),
            delivery.estimated_delivery_date if delivery else None,
        )


def _references(source: translate.ServiceJob) -> Iterator[tuple[str, str]]:
    current = source.current_appointment
    technicians = current.assigned_technicians if current else []
    named: dict[Kind, Iterable[str | None]] = {
        Kind.PRODUCT_ORDER: source.product_order_ids,
        Kind.TRACKING: source.tracking_ids,
        Kind.SKILL: source.work.required_skills,
        Kind.ASIN: [source.work.asin, *(item.asin for item in source.associated_items)],
        Kind.RESOURCE: [technician.technician_id for technician in technicians],
    }
    for kind, values in named.items():
        yield from ((kind.value, _cut(value, 100)) for value in values)


def words_of(source: translate.ServiceJob) -> set[str]:
    """The words a job is found by: title, names, street, city, postal code, phone, ids."""
    address, buyer = source.address, source.buyer or translate.Buyer()
    texts = [
        source.work.title, buyer.name, address.name, address.address_line1, address.address_line2,
        address.address_line3, address.city, address.state_or_region, address.postal_code,
    ]  # fmt: skip
    ids = [source.service_job_id, source.service_order_id, *source.product_order_ids]
    words = {word for text in texts for word in split_words(text or "")}
    words |= {identity.casefold() for identity in [*ids, *source.tracking_ids] if identity}
    return words | phone_words(buyer.phone or "") | phone_words(address.phone or "")


def _cut(text: str | None, length: int) -> str:
    return (text or "")[:length]
