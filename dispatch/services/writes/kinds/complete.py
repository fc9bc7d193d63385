"""Tell Amazon that the work is done.

Source: operation ``completeServiceJobByServiceJobId``.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from dispatch.models import JobStatus, ServiceJob
from dispatch.services.writes.kind import (
    GIVE_A_VISIT,
    WHO_WORKS,
    Kind,
    Payload,
    ReadBack,
    Sending,
    Words,
    needs_a_visit,
)
from dispatch.spapi import ApiResponse, Services


def build() -> Payload:
    """Return the payload: Amazon is told nothing but the job's id."""
    return {}


def send(client: Services, sending: Sending) -> ApiResponse:
    return client.complete_service_job_by_service_job_id(sending.job_id)


def why_not(job: ServiceJob) -> Words:
    if words := needs_a_visit(job):
        return words
    return "" if job.status == JobStatus.NOT_SERVICED else _("The visit is not confirmed yet.")


def shown(back: ReadBack, payload: Payload) -> bool:
    """Tell whether Amazon has the job as completed."""
    return back.job.status == JobStatus.COMPLETED


KIND = Kind(
    name="complete",
    place=40,
    label=_("Complete job"),
    done=_("Completed"),
    roles=WHO_WORKS,
    why_not=why_not,
    build=build,
    send=send,
    owes="",
    shown=shown,
    repeat_is_harmless=True,
    needs=GIVE_A_VISIT | {"record_work", "add_proof"},
)
