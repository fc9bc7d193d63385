"""Move a reservation; its id is in the action's ``result``, and may be a new one.

Source: operation ``updateReservation``. No operation shows what became of it: after a lost answer
the id may be another, so that a repeat is not harmless.
"""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext_lazy as _

from dispatch.services.writes.kind import WHO_DISPATCHES, Kind, Payload, Sending
from dispatch.services.writes.kinds import create_reservation
from dispatch.services.writes.kinds.create_reservation import ReservationType
from dispatch.spapi import ApiResponse, Services


def build(
    *,
    reservation_id: str,
    resource_id: str,
    why: ReservationType,
    start: dt.datetime,
    end: dt.datetime,
) -> Payload:
    """Return the payload for the new time. Raises ValueError for an end before the start."""
    new = create_reservation.build(resource_id=resource_id, why=why, start=start, end=end)
    return {"reservationId": reservation_id, **new}


def send(client: Services, sending: Sending) -> ApiResponse:
    return client.update_reservation(
        sending.payload["reservationId"], body=sending.body("resourceId", "reservation")
    )


KIND = Kind(
    name="update_reservation",
    place=92,
    label=_("Change reservation"),
    done=_("Reservation changed"),
    roles=WHO_DISPATCHES,
    why_not=None,
    build=build,
    send=send,
    owes="",
    shown=None,
    repeat_is_harmless=False,
    asked=create_reservation.asked,
    needs=frozenset({"create_reservation"}),
)
