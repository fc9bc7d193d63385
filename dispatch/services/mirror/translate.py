"""Translates a job from Amazon's names into ours: its columns, and the rows that belong to it."""

from __future__ import annotations

import datetime as dt
import json
import zoneinfo
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from dispatch.models import CLOSED_STATUSES, UNSCHEDULED, JobReference, Seller
from dispatch.models.jobs import ServiceJob as KeptJob
from dispatch.models.jobs import month_of, seal_owner
from dispatch.models.keyring import keyring
from dispatch.models.retention import KEEP_BUYER_FOR
from dispatch.models.words import phone_words, split_words
from dispatch.services.amazon.definition import EARLIEST
from dispatch.services.mirror.definitions import Appointment, Buyer, ServiceJob
from dispatch.services.mirror.rows import Row
from dispatch.services.mirror.zones import zone_for

Payload = dict[str, Any]

APPOINTMENT_COLUMNS = (
    "appointment_id", "status", "start", "duration_minutes", "rescheduled_to", "technicians",
    "proof_type", "proof_at",
)  # fmt: skip
ITEM_COLUMNS = (
    "asin", "title", "brand", "quantity", "order_id", "status", "delivery_estimate",
)  # fmt: skip
REFERENCE_COLUMNS = ("seller", "kind", "value")
WORD_COLUMNS = ("word_hash",)
_NOT_THE_BUYERS = (
    "serviceJobId", "serviceOrderId", "createTime", "serviceJobStatus", "scopeOfWork", "seller",
    "serviceJobProvider", "preferredAppointmentTimes", "appointments", "marketplaceId", "storeId",
    "associatedItems",
)  # fmt: skip
_BUYER: Any = KeptJob._meta.get_field("buyer")
_PAYLOAD: Any = KeptJob._meta.get_field("payload")
_zone_for = lru_cache(maxsize=4096)(zone_for)


@dataclass(slots=True)
class Shown:
    """A job as Amazon shows it; ``digest`` is the keyed hash of ``text``, its payload as JSON."""

    payload: Payload
    text: str
    digest: str


@dataclass(slots=True)
class JobRecord:
    """A job as we keep it, without row ids: its columns by name, and the rows that belong to it.

    The rows hold the values of `APPOINTMENT_COLUMNS`, `ITEM_COLUMNS`, `REFERENCE_COLUMNS` and
    `WORD_COLUMNS`, in that order.
    """

    columns: dict[str, Any]
    appointments: list[Row]
    items: list[Row]
    references: set[Row]
    words: set[Row]


def record_of(
    seller: Seller,
    shown: Shown,
    *,
    fetched_at: dt.datetime,
    origin: str,
    closed_before: dt.datetime | None,
) -> JobRecord:
    """Translate a job; the buyer of one closed longer than `KEEP_BUYER_FOR` ago is left out.

    ``origin`` is the operation that was asked, ``closed_before`` since when we know the job as
    closed, if we do.
    """
    source = ServiceJob.model_validate(shown.payload)
    columns = _columns(seller, source, shown)
    columns |= {"fetched_at": fetched_at, "origin": origin, "gone_at": None, "erased_at": None}
    closed = columns["closed_at"] = _closed_at(columns, closed_before)
    if closed and closed <= fetched_at - KEEP_BUYER_FOR:
        owner = seal_owner(seller.pk, source.service_job_id)
        columns |= columns_without_buyer(shown.payload, owner, erased_at=fetched_at)
        source = ServiceJob.model_validate(without_buyer(shown.payload))
    return JobRecord(
        columns,
        list(_appointments(source)),
        list(_items(source)),
        {(seller.pk, kind, value) for kind, value in _references(source) if value},
        word_rows(source, seller.pk),
    )


def word_rows(source: ServiceJob, seller_id: object) -> set[Row]:
    """Return the keyed hashes of the words by which a seller's job is found, each as a row."""
    return {(word,) for word in keyring().hashes_of(_words(source), str(seller_id))}


def as_text(payload: Payload) -> str:
    """Return a payload as JSON that is the same whatever the order of its keys was."""
    return json.dumps(payload, sort_keys=True, separators=(",", ":"))


def columns_without_buyer(payload: Payload, owner: str, erased_at: dt.datetime) -> dict[str, Any]:
    """Return the columns that change when the buyer is taken out of a job.

    ``owner`` is what the job's sealed values are bound to.
    """
    sealed = _PAYLOAD.seal(as_text(without_buyer(payload)), owner)
    return {"city": "", "buyer": "", "payload": sealed, "erased_at": erased_at}


def sealed_columns(buyer: Any, payload_text: str, owner: str) -> dict[str, str]:
    """Return the columns ``buyer`` and ``payload``, sealed for ``owner``; empty stays empty."""
    return {
        "buyer": _BUYER.seal(_BUYER.encode(buyer), owner) if buyer else "",
        "payload": _PAYLOAD.seal(payload_text, owner) if payload_text else "",
    }


def without_buyer(payload: Payload) -> Payload:
    """Return what tells nothing of the buyer; a field that is not named here is left out."""
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


def _columns(seller: Seller, source: ServiceJob, shown: Shown) -> dict[str, Any]:
    address, work, place = source.address, source.work, source.service_location
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
        "preferred_times": _preferred_times(source),
        "digest": shown.digest,
        **sealed_columns(_buyer(source), shown.text, seal_owner(seller.pk, source.service_job_id)),
        **_schedule(source, zone),
    }


def _schedule(source: ServiceJob, zone: str) -> dict[str, Any]:
    """Return the columns that tell of the current appointment."""
    current = source.current_appointment or Appointment()
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


def _closed_at(columns: dict[str, Any], closed_before: dt.datetime | None) -> dt.datetime | None:
    """Return when a closed job ended: its appointment's end, unless we heard of it before."""
    if columns["status"] not in CLOSED_STATUSES:
        return None
    heard: dt.datetime = closed_before or columns["fetched_at"]
    end = columns["scheduled_end"]
    return min(heard, end) if end else heard


def _preferred_times(source: ServiceJob) -> list[dict[str, Any]]:
    return [
        {
            "startTime": wish.start_time.isoformat(),
            "durationInMinutes": wish.duration_in_minutes or 0,
        }
        for wish in source.preferred_appointment_times
        if wish.start_time
    ]


def _buyer(source: ServiceJob) -> dict[str, Any]:
    buyer = source.buyer or Buyer()
    return {
        "name": buyer.name or source.address.name or "",
        "phone": buyer.phone or source.address.phone or "",
        "prime": bool(buyer.is_prime_member),
        "address": source.address.model_dump(exclude_none=True),
    }


def _appointments(source: ServiceJob) -> Iterator[Row]:
    by_id = {one.appointment_id: one for one in source.appointments if one.appointment_id}
    for appointment_id, appointment in by_id.items():
        proof = appointment.poa
        yield (
            _cut(appointment_id, 100),
            _cut(appointment.appointment_status, 20),
            appointment.start,
            appointment.minutes if (appointment.minutes or 0) > 0 else None,
            _cut(appointment.rescheduled_appointment_id, 100),
            [
                {"technicianId": t.technician_id or "", "name": t.name or ""}
                for t in appointment.assigned_technicians
            ],
            _cut(proof.poa_type if proof else "", 30),
            proof.upload_time if proof else None,
        )


def _items(source: ServiceJob) -> Iterator[Row]:
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


def _references(source: ServiceJob) -> Iterator[tuple[str, str]]:
    current = source.current_appointment
    technicians = current.assigned_technicians if current else []
    named: dict[JobReference.Kind, Iterable[str | None]] = {
        JobReference.Kind.PRODUCT_ORDER: source.product_order_ids,
        JobReference.Kind.TRACKING: source.tracking_ids,
        JobReference.Kind.SKILL: source.work.required_skills,
        JobReference.Kind.ASIN: [source.work.asin, *(i.asin for i in source.associated_items)],
        JobReference.Kind.RESOURCE: [technician.technician_id for technician in technicians],
    }
    for kind, values in named.items():
        yield from ((kind.value, _cut(value, 100)) for value in values)


def _words(source: ServiceJob) -> set[str]:
    """Return the words a job is found by: title, names, street, city, postal code, phone, ids."""
    address, buyer = source.address, source.buyer or Buyer()
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
