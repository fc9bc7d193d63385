"""Upload proofs and put them on the appointment, as one write.

Source: operations ``createServiceDocumentUploadDestination`` and
``setAppointmentFulfillmentData``. The payload has the types, sizes and digests of the files;
Amazon never shows them back.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from dispatch.services.amazon import documents
from dispatch.services.writes.kind import (
    GIVE_A_VISIT,
    WHO_WORKS,
    Kind,
    Payload,
    Sending,
    needs_a_visit,
)
from dispatch.spapi import ApiResponse, Services


def build(*, appointment_id: str, proofs: Sequence[documents.Document]) -> Payload:
    """Return the payload that describes the files."""
    described = [
        {"contentType": one.kind, "contentLength": len(one.content), "sha256": one.sha256}
        for one in proofs
    ]
    return {"appointmentId": appointment_id, "documents": described}


def send(client: Services, sending: Sending) -> ApiResponse:
    uploaded = [documents.upload(client, one) for one in sending.files]
    return client.set_appointment_fulfillment_data(
        sending.job_id, sending.payload["appointmentId"], fulfillmentDocuments=uploaded
    )


KIND = Kind(
    name="add_proof",
    place=80,
    label=_("Add proof"),
    done=_("Proof added"),
    roles=WHO_WORKS,
    why_not=needs_a_visit,
    build=build,
    send=send,
    owes="",
    shown=None,
    repeat_is_harmless=True,
    needs=GIVE_A_VISIT,
)
