"""Make exactly these resources the technicians of an appointment.

Source: operation ``assignAppointmentResources``.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from dispatch.services.writes.kind import (
    GIVE_A_VISIT,
    WHO_DISPATCHES,
    Kind,
    Payload,
    ReadBack,
    Sending,
    active_visits,
    needs_a_visit,
    resources,
)
from dispatch.spapi import ApiResponse, Services


def build(*, appointment_id: str, resource_ids: Sequence[str]) -> Payload:
    """Return the payload for these of Amazon's resource ids."""
    return {"appointmentId": appointment_id, "resources": resources(resource_ids)}


def send(client: Services, sending: Sending) -> ApiResponse:
    return client.assign_appointment_resources(
        sending.job_id, sending.payload["appointmentId"], body=sending.body("resources")
    )


def shown(back: ReadBack, payload: Payload) -> bool:
    """Tell whether exactly the resources asked for are assigned to the appointment."""
    wanted = {one["resourceId"] for one in payload["resources"]}
    visit = active_visits(back.job).filter(appointment_id=payload["appointmentId"]).first()
    return visit is not None and {one["technicianId"] for one in visit.technicians} == wanted


KIND = Kind(
    name="assign",
    place=30,
    label=_("Assign technicians"),
    done=_("Technicians assigned"),
    roles=WHO_DISPATCHES,
    why_not=needs_a_visit,
    build=build,
    send=send,
    owes="",
    shown=shown,
    repeat_is_harmless=True,
    needs=GIVE_A_VISIT,
)
