"""Technicians' time at Amazon: schedules say when a resource is available, reservations when not.

Source: operations ``updateSchedule``, ``createReservation``, ``updateReservation`` and
``cancelReservation`` of Amazon's model.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from dispatch.models import Action, Person, Seller
from dispatch.selectors.access import DISPATCHES, role_for
from dispatch.services.writes import ledger
from dispatch.services.writes.jobs import SWITCHED_OFF, NotAllowed
from dispatch.spapi.wire import timestamp

Kind = Action.Kind


class ReservationType(StrEnum):
    """Why a resource is not available: Amazon's definition ``Reservation``."""

    APPOINTMENT = "APPOINTMENT"
    TRAVEL = "TRAVEL"
    VACATION = "VACATION"
    BREAK = "BREAK"
    TRAINING = "TRAINING"


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
        record: dict[str, Any] = {
            "startTime": timestamp(self.start),
            "endTime": timestamp(self.end),
        }
        if self.until and self.days:
            record["recurrence"] = {"endTime": timestamp(self.until), "daysOfWeek": list(self.days)}
        return record


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
    span = {"startTime": timestamp(start), "endTime": timestamp(end)}
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
