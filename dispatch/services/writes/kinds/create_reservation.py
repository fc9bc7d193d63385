"""Take a resource's time away; the reservation's id is in the action's ``result``.

Source: operation ``createReservation``. A reservation says when a resource is not available.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

from django.utils.translation import gettext_lazy as _

from dispatch.services.amazon.definition import only_objects
from dispatch.services.writes.kind import (
    WHO_DISPATCHES,
    Asked,
    Kind,
    Payload,
    ReadBack,
    Sending,
    span,
)
from dispatch.spapi import ApiResponse, Services


class ReservationType(StrEnum):
    """Why a resource is not available: Amazon's definition ``Reservation``."""

    APPOINTMENT = "APPOINTMENT"
    TRAVEL = "TRAVEL"
    VACATION = "VACATION"
    BREAK = "BREAK"
    TRAINING = "TRAINING"


def build(
    *, resource_id: str, why: ReservationType, start: dt.datetime, end: dt.datetime
) -> Payload:
    """Return the payload for the time between two aware moments.

    Raises ValueError for an end before the start.
    """
    return {
        "resourceId": resource_id,
        "reservation": {"type": str(why), "availability": span(start, end)},
    }


def send(client: Services, sending: Sending) -> ApiResponse:
    return client.create_reservation(body=sending.body("resourceId", "reservation"))


def asked(payload: Payload) -> Asked:
    """Return when the time begins."""
    return Asked(dt.datetime.fromisoformat(payload["reservation"]["availability"]["startTime"]))


def shown(back: ReadBack, payload: Payload) -> bool:
    """Tell whether all of the time is taken now: no operation lists reservations."""
    time = payload["reservation"]["availability"]
    with back.client() as client:
        answer = client.get_range_slot_capacity(
            payload["resourceId"],
            capacityTypes=["RESERVED_CAPACITY"],
            startDateTime=time["startTime"],
            endDateTime=time["endTime"],
        )
    report = answer.payload if isinstance(answer.payload, dict) else {}
    parts = only_objects(report.get("capacities"))
    taken = [slot.get("capacity") for part in parts for slot in only_objects(part.get("slots"))]
    # Another reservation may cover a part of it.
    return bool(taken) and all(taken)


KIND = Kind(
    name="create_reservation",
    place=91,
    label=_("Reserve time"),
    done=_("Time reserved"),
    roles=WHO_DISPATCHES,
    why_not=None,
    build=build,
    send=send,
    owes="reservationId",
    shown=shown,
    repeat_is_harmless=False,
    asked=asked,
)
