"""What happens at the job: on the way, work begun and done, proof.

Source: operation ``setAppointmentFulfillmentData``. It replaces what it was sent before, so that
sending it again is safe; Amazon never shows it back, but for the proof.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

from dispatch.models import Action, Person, ServiceJob
from dispatch.services.amazon import documents
from dispatch.services.writes import jobs, ledger
from dispatch.spapi import ApiResponse, Services
from dispatch.spapi.wire import timestamp

Kind = Action.Kind


def announce_arrival(
    *,
    person: Person,
    job: ServiceJob,
    key: uuid.UUID,
    appointment_id: str,
    start: dt.datetime,
    end: dt.datetime,
) -> Action:
    """Tell Amazon when the technician will arrive, between two aware moments.

    Raises `jobs.NotAllowed`, `ledger.KeyReused`, and `ValueError` for an end before the start.
    """
    return _set(
        Kind.ON_MY_WAY,
        person=person,
        job=job,
        key=key,
        appointment_id=appointment_id,
        data={"estimatedArrivalTime": _span(start, end)},
    )


def record_work(
    *,
    person: Person,
    job: ServiceJob,
    key: uuid.UUID,
    appointment_id: str,
    start: dt.datetime,
    end: dt.datetime,
    resource_ids: Sequence[str] = (),
) -> Action:
    """Tell Amazon when the work was done, both in the past, and by whom. Raises as above."""
    data: ledger.Payload = {"fulfillmentTime": _span(start, end)}
    if resource_ids:
        data["appointmentResources"] = [{"resourceId": one} for one in resource_ids]
    return _set(
        Kind.RECORD_WORK, person=person, job=job, key=key, appointment_id=appointment_id, data=data
    )


def add_proofs(
    *,
    person: Person,
    job: ServiceJob,
    key: uuid.UUID,
    appointment_id: str,
    proofs: Sequence[documents.Document],
) -> Action:
    """Upload proofs and put them on the appointment, as one write.

    The ledger keeps the files' types, sizes and digests, never the files. Raises as above.
    """
    jobs.require(person, job, Kind.ADD_PROOF)
    described = [
        {"contentType": one.kind, "contentLength": len(one.content), "sha256": one.sha256}
        for one in proofs
    ]

    def call(client: Services) -> ApiResponse:
        uploaded = [documents.upload(client, one) for one in proofs]
        return client.set_appointment_fulfillment_data(
            job.service_job_id, appointment_id, fulfillmentDocuments=uploaded
        )

    return jobs.write(
        key=key,
        person=person,
        job=job,
        kind=Kind.ADD_PROOF,
        payload={"appointmentId": appointment_id, "documents": described},
        call=call,
    )


def _set(
    kind: Kind,
    *,
    person: Person,
    job: ServiceJob,
    key: uuid.UUID,
    appointment_id: str,
    data: ledger.Payload,
) -> Action:
    jobs.require(person, job, kind)
    return jobs.write(
        key=key,
        person=person,
        job=job,
        kind=kind,
        payload={"appointmentId": appointment_id, **data},
        call=lambda client: client.set_appointment_fulfillment_data(
            job.service_job_id, appointment_id, body=data
        ),
    )


def _span(start: dt.datetime, end: dt.datetime) -> dict[str, str]:
    if end < start:
        raise ValueError("the end is before the start")
    return {"startTime": timestamp(start), "endTime": timestamp(end)}
