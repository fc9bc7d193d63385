"""Tell Amazon when the technician will arrive.

Source: operation ``setAppointmentFulfillmentData``, which replaces what it was sent before and
never shows it back.
"""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext_lazy as _

from dispatch.services.writes.kind import (
    GIVE_A_VISIT,
    WHO_WORKS,
    Asked,
    Kind,
    Payload,
    Sending,
    needs_a_visit,
    span,
)
from dispatch.spapi import ApiResponse, Services


def build(*, appointment_id: str, start: dt.datetime, end: dt.datetime) -> Payload:
    """Return the payload for an arrival between two aware moments.

    Raises ValueError for an end before the start.
    """
    return {"appointmentId": appointment_id, "estimatedArrivalTime": span(start, end)}


def send(client: Services, sending: Sending) -> ApiResponse:
    return client.set_appointment_fulfillment_data(
        sending.job_id,
        sending.payload["appointmentId"],
        body=sending.body("estimatedArrivalTime"),
    )


def asked(payload: Payload) -> Asked:
    """Return the earliest moment of the arrival."""
    return Asked(dt.datetime.fromisoformat(payload["estimatedArrivalTime"]["startTime"]))


KIND = Kind(
    name="on_my_way",
    place=60,
    label=_("On my way"),
    done=_("Arrival announced"),
    roles=WHO_WORKS,
    why_not=needs_a_visit,
    build=build,
    send=send,
    owes="",
    shown=None,
    repeat_is_harmless=True,
    asked=asked,
    needs=GIVE_A_VISIT,
)
