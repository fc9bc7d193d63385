"""Technicians' time at Amazon: capacity, schedules, reservations, and slots without a job.

A schedule says when a resource is available, a reservation when it is not.
Source: operations ``getRangeSlotCapacity``, ``getFixedSlotCapacity``, ``updateSchedule``,
``createReservation``, ``updateReservation``, ``cancelReservation`` of Amazon's model.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel

from dispatch.models import Action, Person, Seller
from dispatch.selectors.access import DISPATCHES, role_for
from dispatch.services.amazon import client as amazon
from dispatch.services.mirror.translate import Moment, Text, Whole, only_objects
from dispatch.services.writes import ledger
from dispatch.services.writes.appointments import utc
from dispatch.services.writes.jobs import SWITCHED_OFF, NotAllowed
from dispatch.spapi import ApiResponse
from dispatch.spapi.pages import Course

Kind = Action.Kind


class CapacityType(StrEnum):
    """What is counted: Amazon's definition ``CapacityType``."""

    SCHEDULED = "SCHEDULED_CAPACITY"
    AVAILABLE = "AVAILABLE_CAPACITY"
    ENCUMBERED = "ENCUMBERED_CAPACITY"
    RESERVED = "RESERVED_CAPACITY"


class ReservationType(StrEnum):
    """Why a resource is not available: Amazon's definition ``Reservation``."""

    APPOINTMENT = "APPOINTMENT"
    TRAVEL = "TRAVEL"
    VACATION = "VACATION"
    BREAK = "BREAK"
    TRAINING = "TRAINING"


@dataclass(frozen=True, slots=True)
class Span:
    """Aware moments from and to, and how many can be served between them."""

    kind: CapacityType
    start: dt.datetime
    end: dt.datetime
    capacity: int


@dataclass(frozen=True, slots=True)
class WorkingTime:
    """A part of a schedule: aware start and end of the first day, repeated until a moment.

    ``days`` are Amazon's names, ``MONDAY`` to ``SUNDAY``; without them the time does not repeat.
    """

    start: dt.datetime
    end: dt.datetime
    until: dt.datetime | None = None
    days: tuple[str, ...] = ()

    def as_record(self) -> dict[str, Any]:
        record: dict[str, Any] = {"startTime": utc(self.start), "endTime": utc(self.end)}
        if self.until and self.days:
            record["recurrence"] = {"endTime": utc(self.until), "daysOfWeek": list(self.days)}
        return record


class _Part(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")


class _Slot(_Part):
    start_date_time: Moment = None
    end_date_time: Moment = None
    capacity: Whole = None


class _Capacity(_Part):
    capacity_type: Text = None
    slots: Annotated[list[_Slot], BeforeValidator(only_objects)] = []


class _Range(_Part):
    capacities: Annotated[list[_Capacity], BeforeValidator(only_objects)] = []


class _Fixed(_Part):
    start_date_time: Moment = None
    scheduled_capacity: Whole = None
    available_capacity: Whole = None
    encumbered_capacity: Whole = None
    reserved_capacity: Whole = None


class _FixedReport(_Part):
    slot_duration: Whole = None
    capacities: Annotated[list[_Fixed], BeforeValidator(only_objects)] = []


def capacity(
    seller: Seller,
    resource_id: str,
    *,
    start: dt.datetime,
    end: dt.datetime,
    kinds: Sequence[CapacityType] = (CapacityType.SCHEDULED,),
) -> list[Span]:
    """A resource's capacity between two aware moments, in order; raises `amazon.FAULTS`."""
    query = {"startDateTime": start, "endDateTime": end, "capacityTypes": [*kinds]}
    spans: list[Span] = []
    with amazon.client(seller, interactive=True) as client:
        for page in _pages(client.get_range_slot_capacity, resource_id, query):
            spans += _range_spans(_Range.model_validate(page))
    return sorted(set(spans), key=lambda span: (span.kind, span.start))


def fixed_capacity(
    seller: Seller,
    resource_id: str,
    *,
    start: dt.datetime,
    end: dt.datetime,
    minutes: int,
    kinds: Sequence[CapacityType] = (CapacityType.SCHEDULED,),
) -> list[Span]:
    """The same in slots of ``minutes`` (5 to 360, in steps of 5)."""
    query = {
        "startDateTime": start,
        "endDateTime": end,
        "slotDuration": minutes,
        "capacityTypes": [*kinds],
    }
    spans: list[Span] = []
    with amazon.client(seller, interactive=True) as client:
        for page in _pages(client.get_fixed_slot_capacity, resource_id, query):
            spans += _fixed_spans(_FixedReport.model_validate(page), minutes)
    return sorted(set(spans), key=lambda span: (span.kind, span.start))


def _pages(operation: Any, resource_id: str, query: dict[str, Any]) -> Iterator[Any]:
    token, course = "", Course()
    while True:
        answer: ApiResponse = operation(
            resource_id, **query, **({"nextPageToken": token} if token else {})
        )
        page = answer.payload if isinstance(answer.payload, dict) else {}
        yield page
        token = answer.next_token or ""
        if not course.goes_on(token, only_objects(page.get("capacities"))):
            return


def _range_spans(report: _Range) -> Iterator[Span]:
    for part in report.capacities:
        if part.capacity_type not in set(CapacityType):
            continue
        for slot in part.slots:
            if slot.start_date_time and slot.end_date_time:
                yield Span(
                    CapacityType(part.capacity_type),
                    slot.start_date_time,
                    slot.end_date_time,
                    slot.capacity or 0,
                )


def _fixed_spans(report: _FixedReport, asked: int) -> Iterator[Span]:
    length = dt.timedelta(minutes=report.slot_duration or asked)
    for slot in report.capacities:
        if slot.start_date_time is None:
            continue
        counts = {
            CapacityType.SCHEDULED: slot.scheduled_capacity,
            CapacityType.AVAILABLE: slot.available_capacity,
            CapacityType.ENCUMBERED: slot.encumbered_capacity,
            CapacityType.RESERVED: slot.reserved_capacity,
        }
        for kind, count in counts.items():
            if count is not None:
                yield Span(kind, slot.start_date_time, slot.start_date_time + length, count)


def update_schedule(
    *,
    person: Person,
    seller: Seller,
    key: uuid.UUID,
    resource_id: str,
    times: Sequence[WorkingTime],
) -> Action:
    """Overwrite a resource's whole schedule; Amazon offers no way to empty it.

    Raises `NotAllowed`, `ledger.KeyReused`, and `ValueError` for no times at all.
    """
    if not times:
        raise ValueError("a schedule cannot be emptied, only overwritten")
    body = {"schedules": [time.as_record() for time in times]}
    return _write(
        Kind.UPDATE_SCHEDULE,
        person=person,
        seller=seller,
        key=key,
        payload={"resourceId": resource_id, **body},
        call=lambda client: client.update_schedule(resource_id, body=body),
    )


def reserve(
    *,
    person: Person,
    seller: Seller,
    key: uuid.UUID,
    resource_id: str,
    kind: ReservationType,
    start: dt.datetime,
    end: dt.datetime,
) -> Action:
    """Take a resource's time away; the reservation's id is in the action's ``result``."""
    body = _reservation(resource_id, kind, start, end)
    return _write(
        Kind.CREATE_RESERVATION,
        person=person,
        seller=seller,
        key=key,
        payload=body,
        call=lambda client: client.create_reservation(body=body),
    )


def change_reservation(
    *,
    person: Person,
    seller: Seller,
    key: uuid.UUID,
    reservation_id: str,
    resource_id: str,
    kind: ReservationType,
    start: dt.datetime,
    end: dt.datetime,
) -> Action:
    """Move a reservation; keep the id in the action's ``result``, it may be a new one."""
    body = _reservation(resource_id, kind, start, end)
    return _write(
        Kind.UPDATE_RESERVATION,
        person=person,
        seller=seller,
        key=key,
        payload={"reservationId": reservation_id, **body},
        call=lambda client: client.update_reservation(reservation_id, body=body),
    )


def cancel_reservation(
    *, person: Person, seller: Seller, key: uuid.UUID, reservation_id: str
) -> Action:
    """Give a resource's time back."""
    return _write(
        Kind.CANCEL_RESERVATION,
        person=person,
        seller=seller,
        key=key,
        payload={"reservationId": reservation_id},
        call=lambda client: client.cancel_reservation(reservation_id),
    )


def _reservation(
    resource_id: str, kind: ReservationType, start: dt.datetime, end: dt.datetime
) -> ledger.Payload:
    span = {"startTime": utc(start), "endTime": utc(end)}
    return {
        "resourceId": resource_id,
        "reservation": {"type": str(kind), "availability": span},
    }


def _write(
    kind: Kind,
    *,
    person: Person,
    seller: Seller,
    key: uuid.UUID,
    payload: ledger.Payload,
    call: ledger.Call,
) -> Action:
    if role_for(person, seller) not in DISPATCHES:
        raise NotAllowed("Your role does not allow this.")
    if kind in seller.switched_off:
        raise NotAllowed(SWITCHED_OFF)
    write = ledger.Write(key=key, person=person, seller=seller, kind=kind, payload=payload)
    return ledger.carry_out(write, call)
