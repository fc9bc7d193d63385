"""Put an appointment on the calendar.

Source: operation ``addAppointmentForServiceJobByServiceJobId``. The duration is left to Amazon,
which knows the service's own.
"""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext_lazy as _

from dispatch.models import ServiceJob
from dispatch.services.writes.kind import (
    WHO_DISPATCHES,
    Asked,
    Kind,
    Payload,
    ReadBack,
    Sending,
    Words,
    active_visits,
    is_on_the_calendar,
    is_open,
)
from dispatch.spapi import ApiResponse, Services
from dispatch.spapi.wire import timestamp


def build(*, start: dt.datetime) -> Payload:
    """Return the payload for a visit that begins at an aware moment."""
    return {"appointmentTime": {"startTime": timestamp(start)}}


def send(client: Services, sending: Sending) -> ApiResponse:
    return client.add_appointment_for_service_job_by_service_job_id(
        sending.job_id, body=sending.body("appointmentTime")
    )


def why_not(job: ServiceJob) -> Words:
    if not is_open(job):
        return _("The job is closed.")
    return _("The job has an appointment already.") if is_on_the_calendar(job) else ""


def asked(payload: Payload) -> Asked:
    """Return the moment at which the visit is to begin."""
    return Asked(start=dt.datetime.fromisoformat(payload["appointmentTime"]["startTime"]))


def shown(back: ReadBack, payload: Payload) -> bool:
    """Tell whether the job has an active appointment at the time asked for."""
    return active_visits(back.job).filter(start=asked(payload).start).exists()


KIND = Kind(
    name="add_appointment",
    place=10,
    label=_("Add appointment"),
    done=_("Appointment added"),
    roles=WHO_DISPATCHES,
    why_not=why_not,
    build=build,
    send=send,
    owes="appointmentId",
    shown=shown,
    repeat_is_harmless=False,
    asked=asked,
)
