"""Appointments: put on the calendar, moved, staffed.

Source: operations ``addAppointmentForServiceJobByServiceJobId``,
``rescheduleAppointmentForServiceJobByServiceJobId`` and ``assignAppointmentResources``.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

from dispatch.models import Action, Person, ServiceJob
from dispatch.services.writes import jobs
from dispatch.spapi.wire import timestamp


def add(*, person: Person, job: ServiceJob, key: uuid.UUID, start: dt.datetime) -> Action:
    """Put an appointment on the calendar.

    ``start`` is aware. The duration is left to Amazon, which knows the service's own. Raises
    `jobs.NotAllowed` and `ledger.KeyReused`; what Amazon says is in the returned row.
    """
    jobs.require(person, job, Action.Kind.ADD_APPOINTMENT)
    payload = {"appointmentTime": {"startTime": timestamp(start)}}
    return jobs.write(
        key=key,
        person=person,
        job=job,
        kind=Action.Kind.ADD_APPOINTMENT,
        payload=payload,
        call=lambda client: client.add_appointment_for_service_job_by_service_job_id(
            job.service_job_id, body=payload
        ),
    )


def reschedule(
    *,
    person: Person,
    job: ServiceJob,
    key: uuid.UUID,
    appointment_id: str,
    start: dt.datetime,
    reason: str,
) -> Action:
    """Move the appointment that the person saw; Amazon replaces it by one with a new id.

    It counts in Amazon's metrics, and technicians who are busy then are unassigned, with a warning.
    Raises as `add`.
    """
    jobs.require(person, job, Action.Kind.RESCHEDULE)
    body = {"appointmentTime": {"startTime": timestamp(start)}, "rescheduleReasonCode": reason}
    return jobs.write(
        key=key,
        person=person,
        job=job,
        kind=Action.Kind.RESCHEDULE,
        payload={"appointmentId": appointment_id, **body},
        call=lambda client: client.reschedule_appointment_for_service_job_by_service_job_id(
            job.service_job_id, appointment_id, body=body
        ),
    )


def assign(
    *,
    person: Person,
    job: ServiceJob,
    key: uuid.UUID,
    appointment_id: str,
    resource_ids: Sequence[str],
) -> Action:
    """Make exactly these resources the technicians of an appointment. Raises as `add`."""
    jobs.require(person, job, Action.Kind.ASSIGN)
    body = {"resources": [{"resourceId": resource_id} for resource_id in resource_ids]}
    return jobs.write(
        key=key,
        person=person,
        job=job,
        kind=Action.Kind.ASSIGN,
        payload={"appointmentId": appointment_id, **body},
        call=lambda client: client.assign_appointment_resources(
            job.service_job_id, appointment_id, body=body
        ),
    )
