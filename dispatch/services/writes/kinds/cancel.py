"""Cancel the job, with one of Amazon's reason codes.

Source: operation ``cancelServiceJobByServiceJobId``.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from dispatch.models import JobStatus, ServiceJob
from dispatch.services.writes.kind import (
    JOB_IS_CLOSED,
    WHO_DISPATCHES,
    Asked,
    Kind,
    Payload,
    ReadBack,
    Sending,
    Words,
    is_open,
)
from dispatch.spapi import ApiResponse, Services


def build(*, reason: str) -> Payload:
    """Return the payload for a reason code."""
    return {"cancellationReasonCode": reason}


def send(client: Services, sending: Sending) -> ApiResponse:
    return client.cancel_service_job_by_service_job_id(
        sending.job_id, cancellationReasonCode=sending.payload["cancellationReasonCode"]
    )


def why_not(job: ServiceJob) -> Words:
    return "" if is_open(job) else JOB_IS_CLOSED


def asked(payload: Payload) -> Asked:
    """Return the reason code."""
    return Asked(reason=payload.get("cancellationReasonCode", ""))


def shown(back: ReadBack, payload: Payload) -> bool:
    """Tell whether Amazon has the job as cancelled."""
    return back.job.status == JobStatus.CANCELLED


KIND = Kind(
    name="cancel",
    place=50,
    label=_("Cancel job"),
    done=_("Cancelled"),
    roles=WHO_DISPATCHES,
    why_not=why_not,
    build=build,
    send=send,
    owes="",
    shown=shown,
    repeat_is_harmless=True,
    asked=asked,
    is_final=True,
)
