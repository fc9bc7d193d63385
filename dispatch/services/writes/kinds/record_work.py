"""Tell Amazon when the work was done, and by whom.

Source: operation ``setAppointmentFulfillmentData``, which replaces what it was sent before and
never shows it back.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from dispatch.services.writes.kind import (
    GIVE_A_VISIT,
    WHO_WORKS,
    Asked,
    Kind,
    Payload,
    Sending,
    needs_a_visit,
    resources,
    span,
)
from dispatch.spapi import ApiResponse, Services


def build(
    *, appointment_id: str, start: dt.datetime, end: dt.datetime, resource_ids: Sequence[str] = ()
) -> Payload:
    """Return the payload for work between two aware moments of the past.

    Raises ValueError for an end before the start.
    """
    payload: Payload = {"appointmentId": appointment_id, "fulfillmentTime": span(start, end)}
    if resource_ids:
        payload["appointmentResources"] = resources(resource_ids)
    return payload


def send(client: Services, sending: Sending) -> ApiResponse:
    return client.set_appointment_fulfillment_data(
        sending.job_id,
        sending.payload["appointmentId"],
        body=sending.body("fulfillmentTime", "appointmentResources"),
    )


def asked(payload: Payload) -> Asked:
    """Return when the work began."""
    return Asked(dt.datetime.fromisoformat(payload["fulfillmentTime"]["startTime"]))


KIND = Kind(
    name="record_work",
    place=70,
    label=_("Record work"),
    done=_("Work recorded"),
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
