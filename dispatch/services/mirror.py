"""Writes what Amazon shows into the mirror: the one place that translates its names into ours."""

from __future__ import annotations

import datetime as dt
import json
import zoneinfo
from collections.abc import Iterable, Iterator
from typing import Any

from django.db import transaction
from pydantic import ValidationError

from dispatch.models import (
    UNSCHEDULED,
    Appointment,
    AssociatedItem,
    JobReference,
    JobStatus,
    JobWord,
    Seller,
    ServiceJob,
)
from dispatch.models.keyring import keyring
from dispatch.models.words import phone_words, split_words
from dispatch.services import amazon_model, revisions
from dispatch.services.zones import zone_for

Payload = dict[str, Any]
Kind = JobReference.Kind
_KEPT = ("id", "seller", "service_job_id")
_COLUMNS = [field.name for field in ServiceJob._meta.concrete_fields if field.name not in _KEPT]


def store(seller: Seller, payloads: Iterable[Payload], *, fetched_at: dt.datetime) -> list[str]:
    """Upsert a page of Amazon's ``ServiceJob`` objects; returns the ids of those that changed.

    ``fetched_at`` is when the request was sent: a row that shows a later state is left alone, so
    that a slow page never undoes what a person has just seen. Unchanged jobs cost no write.
    """
    rows = {job.service_job_id: job for job in _rows(seller, payloads, fetched_at)}
    with transaction.atomic():
        known = {
            job_id: (digest, seen, gone)
            for job_id, digest, seen, gone in ServiceJob.objects.select_for_update()
            .filter(seller=seller, service_job_id__in=rows)
            .values_list("service_job_id", "digest", "fetched_at", "gone_at")
        }
        changed = [row for row in rows.values() if _is_news(row, known.get(row.service_job_id))]
        _upsert(seller, changed)
        if changed:
            revisions.bump(seller)
    return [row.service_job_id for row in changed]


def mark_gone(job: ServiceJob, *, at: dt.datetime) -> None:
    """Note that Amazon, asked ``at`` that moment, no longer knows the job; it stays, marked.

    A row that shows a later state is left alone. `store` brings the job back if it returns.
    """
    still_here = ServiceJob.objects.filter(pk=job.pk, gone_at=None, fetched_at__lte=at)
    if still_here.update(gone_at=at, status=JobStatus.GONE, fetched_at=at, changed_at=at):
        revisions.bump(job.seller)


def _is_news(row: ServiceJob, known: tuple[str, dt.datetime, dt.datetime | None] | None) -> bool:
    if known is None:
        return True
    digest, fetched_at, gone_at = known
    return fetched_at <= row.fetched_at and (digest != row.digest or gone_at is not None)


def _upsert(seller: Seller, rows: list[ServiceJob]) -> None:
    if not rows:
        return
    ServiceJob.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["seller", "service_job_id"],
        update_fields=_COLUMNS,
    )
    ids = dict(
        ServiceJob.objects.filter(
            seller=seller, service_job_id__in=[row.service_job_id for row in rows]
        ).values_list("service_job_id", "pk")
    )
    for part in (Appointment, AssociatedItem, JobReference, JobWord):
        part.objects.filter(job__in=ids.values()).delete()
    for row in rows:
        row.pk = ids[row.service_job_id]
    sources = [(row, amazon_model.ServiceJob.model_validate(row.payload)) for row in rows]
    Appointment.objects.bulk_create(_appointments(sources))
    AssociatedItem.objects.bulk_create(_items(sources))
    JobReference.objects.bulk_create(_references(sources))
    JobWord.objects.bulk_create(_words(sources))


def _rows(
    seller: Seller, payloads: Iterable[Payload], fetched_at: dt.datetime
) -> Iterator[ServiceJob]:
    for payload in payloads:
        try:
            source = amazon_model.ServiceJob.model_validate(payload)
        except ValidationError:
            continue  # Without an id there is nothing to keep it under.
        if 0 < len(source.service_job_id) <= 100:
            yield _row(seller, source, payload, fetched_at)


def _row(
    seller: Seller, source: amazon_model.ServiceJob, payload: Payload, fetched_at: dt.datetime
) -> ServiceJob:
    text = json.dumps(payload, sort_keys=True, separators=(",", ":"))
    address, work = source.address, source.work
    zone = zone_for(
        country=address.country_code or "",
        state=address.state_or_region or "",
        postal_code=address.postal_code or "",
        default=seller.time_zone,
    )
    return ServiceJob(
        seller=seller,
        service_job_id=source.service_job_id,
        service_order_id=_cut(source.service_order_id, 20),
        status=_cut(source.service_job_status, 20),
        marketplace_id=_cut(source.marketplace_id, 20),
        store_id=_cut(source.store_id, 100),
        asin=_cut(work.asin, 20),
        title=_cut(work.title, 500),
        quantity=max(1, min(work.quantity or 1, 1_000_000)),
        location_type=_cut(
            source.service_location.service_location_type if source.service_location else "", 20
        ),
        city=_cut(address.city, 100),
        state_or_region=_cut(address.state_or_region, 100),
        country_code=_cut(address.country_code, 2),
        time_zone=zone,
        created_at=source.create_time,
        created_key=source.create_time or dt.datetime(1970, 1, 1, tzinfo=dt.UTC),
        preferred_times=_preferred(source),
        buyer=_buyer(source),
        payload=payload,
        digest=keyring().digest(text, str(seller.pk)),
        fetched_at=fetched_at,
        changed_at=fetched_at,
        gone_at=None,
        **_schedule(source, zone),
    )


def _schedule(source: amazon_model.ServiceJob, zone: str) -> dict[str, Any]:
    """The columns of the current appointment."""
    current = source.current_appointment
    if current is None:
        return {}
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


def _preferred(source: amazon_model.ServiceJob) -> list[dict[str, Any]]:
    return [
        {
            "startTime": wish.start_time.isoformat(),
            "durationInMinutes": wish.duration_in_minutes or 0,
        }
        for wish in source.preferred_appointment_times
        if wish.start_time
    ]


def _buyer(source: amazon_model.ServiceJob) -> dict[str, Any]:
    buyer = source.buyer or amazon_model.Buyer()
    return {
        "name": buyer.name or source.address.name or "",
        "phone": buyer.phone or source.address.phone or "",
        "prime": bool(buyer.is_prime_member),
        "address": source.address.model_dump(exclude_none=True),
    }


Sources = list[tuple[ServiceJob, amazon_model.ServiceJob]]


def _appointments(sources: Sources) -> Iterator[Appointment]:
    for row, source in sources:
        visits = {visit.appointment_id: visit for visit in source.appointments}
        for appointment_id, visit in visits.items():
            if not appointment_id:
                continue
            yield Appointment(
                job=row,
                appointment_id=_cut(appointment_id, 100),
                status=_cut(visit.appointment_status, 20),
                start=visit.start,
                duration_minutes=visit.minutes if (visit.minutes or 0) > 0 else None,
                rescheduled_to=_cut(visit.rescheduled_appointment_id, 100),
                technicians=[
                    {"technicianId": t.technician_id or "", "name": t.name or ""}
                    for t in visit.assigned_technicians
                ],
                proof_type=_cut(visit.poa.poa_type if visit.poa else "", 30),
                proof_at=visit.poa.upload_time if visit.poa else None,
            )


def _items(sources: Sources) -> Iterator[AssociatedItem]:
    for row, source in sources:
        for item in source.associated_items:
            yield AssociatedItem(
                job=row,
                asin=_cut(item.asin, 20),
                title=_cut(item.title, 500),
                brand=_cut(item.brand_name, 200),
                quantity=item.quantity if (item.quantity or 0) > 0 else None,
                order_id=_cut(item.order_id, 20),
                status=_cut(item.item_status, 20),
                delivery_estimate=(
                    item.item_delivery.estimated_delivery_date if item.item_delivery else None
                ),
            )


def _references(sources: Sources) -> Iterator[JobReference]:
    for row, source in sources:
        current = source.current_appointment
        asins = [source.work.asin, *(item.asin for item in source.associated_items)]
        named = (
            *((Kind.PRODUCT_ORDER, value) for value in source.product_order_ids),
            *((Kind.TRACKING, value) for value in source.tracking_ids),
            *((Kind.SKILL, value) for value in source.work.required_skills),
            *((Kind.ASIN, value) for value in asins),
            *(
                (Kind.RESOURCE, technician.technician_id)
                for technician in (current.assigned_technicians if current else [])
            ),
        )
        for kind, value in sorted({(kind, _cut(value, 100)) for kind, value in named}):
            if value:
                yield JobReference(
                    job=row,
                    seller_id=row.seller_id,
                    kind=kind,
                    value=value,
                    scheduled_key=row.scheduled_key,
                )


def _words(sources: Sources) -> Iterator[JobWord]:
    for row, source in sources:
        ring, scope = keyring(), str(row.seller_id)
        for word in sorted(words_of(source)):
            yield JobWord(
                job=row,
                word_hash=ring.word_hashes(word, scope)[0],
                scheduled_key=row.scheduled_key,
            )


def words_of(source: amazon_model.ServiceJob) -> set[str]:
    """The words a job is found by: title, names, street, city, postal code, phone, ids."""
    address, buyer = source.address, source.buyer or amazon_model.Buyer()
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
