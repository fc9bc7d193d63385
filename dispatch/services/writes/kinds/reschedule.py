"""Move the appointment that the person saw; Amazon replaces it by one with a new id.

Source: operation ``rescheduleAppointmentForServiceJobByServiceJobId``. It counts in Amazon's
metrics, and technicians who are busy then are unassigned, with a warning.
"""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext_lazy as _

from dispatch.services.writes.kind import (
    GIVE_A_VISIT,
    WHO_DISPATCHES,
    Asked,
    Kind,
    Payload,
    ReadBack,
    Sending,
    active_visits,
    needs_a_visit,
)
from dispatch.spapi import ApiResponse, Services
from dispatch.spapi.wire import timestamp


def build(*, appointment_id: str, start: dt.datetime, reason: str) -> Payload:
    """Return the payload for a new aware start, with one of Amazon's reason codes."""
    return {
        "appointmentId": appointment_id,
        "appointmentTime": {"startTime": timestamp(start)},
        "rescheduleReasonCode": reason,
    }


def send(client: Services, sending: Sending) -> ApiResponse:
    return client.reschedule_appointment_for_service_job_by_service_job_id(
        sending.job_id,
        sending.payload["appointmentId"],
        body=sending.body("appointmentTime", "rescheduleReasonCode"),
    )


def asked(payload: Payload) -> Asked:
    """Return the new start and the reason code."""
    start = dt.datetime.fromisoformat(payload["appointmentTime"]["startTime"])
    return Asked(start, payload.get("rescheduleReasonCode", ""))


def shown(back: ReadBack, payload: Payload) -> bool:
    """Tell whether another appointment than the one moved stands at the time asked for.

    A reschedule to the time it already had shows only by its new id.
    """
    there = active_visits(back.job).filter(start=asked(payload).start)
    return there.exclude(appointment_id=payload["appointmentId"]).exists()


KIND = Kind(
    name="reschedule",
    place=20,
    label=_("Reschedule"),
    done=_("Rescheduled"),
    roles=WHO_DISPATCHES,
    why_not=needs_a_visit,
    build=build,
    send=send,
    owes="appointmentId",
    shown=shown,
    repeat_is_harmless=False,
    asked=asked,
    needs=GIVE_A_VISIT,
)
