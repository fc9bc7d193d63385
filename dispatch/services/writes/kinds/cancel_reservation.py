"""Give a resource's time back.

Source: operation ``cancelReservation``. No operation shows what became of it.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from dispatch.services.writes.kind import WHO_DISPATCHES, Kind, Payload, Sending
from dispatch.spapi import ApiResponse, Services


def build(*, reservation_id: str) -> Payload:
    """Return the payload for one of Amazon's reservation ids."""
    return {"reservationId": reservation_id}


def send(client: Services, sending: Sending) -> ApiResponse:
    return client.cancel_reservation(sending.payload["reservationId"])


KIND = Kind(
    name="cancel_reservation",
    place=93,
    label=_("Cancel reservation"),
    done=_("Reservation cancelled"),
    roles=WHO_DISPATCHES,
    why_not=None,
    build=build,
    send=send,
    owes="",
    shown=None,
    repeat_is_harmless=False,
    needs=frozenset({"create_reservation", "update_reservation"}),
)
