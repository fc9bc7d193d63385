"""A job's own writes, and which writes are open to whom.

Source: operations ``completeServiceJobByServiceJobId`` and ``cancelServiceJobByServiceJobId``.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass

from dispatch.models import Action, Appointment, JobStatus, Person, ServiceJob
from dispatch.selectors.access import Role, role_for
from dispatch.services.amazon.client import FAULTS
from dispatch.services.amazon.words import in_words
from dispatch.services.mirror import one_job
from dispatch.services.writes import ledger

log = logging.getLogger(__name__)

Kind = Action.Kind
_DISPATCH = frozenset({Role.OWNER, Role.DISPATCHER})
_ANY_HAND = _DISPATCH | {Role.TECHNICIAN}
WHO = {
    Kind.ADD_APPOINTMENT: _DISPATCH,
    Kind.RESCHEDULE: _DISPATCH,
    Kind.ASSIGN: _DISPATCH,
    Kind.COMPLETE: _ANY_HAND,
    Kind.CANCEL: _DISPATCH,
    Kind.ON_MY_WAY: _ANY_HAND,
    Kind.RECORD_WORK: _ANY_HAND,
    Kind.ADD_PROOF: _ANY_HAND,
}
SWITCHED_OFF = "Switched off for this seller: not agreed with Amazon."


class NotAllowed(Exception):
    """This write is not open to this person for this job now; the text says why."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A write that a page may offer; ``why_not`` explains one that is switched off."""

    kind: Kind
    why_not: str = ""

    @property
    def label(self) -> str:
        return str(self.kind.label)


def choices(job: ServiceJob, role: Role | None) -> list[Choice]:
    """The writes that fit the job's state and the role, switched-off ones with their reason."""
    off = set(job.seller.switched_off)
    return [
        Choice(kind, SWITCHED_OFF if kind in off else "")
        for kind, who in WHO.items()
        if role in who and _fits(job, kind)
    ]


def require(person: Person, job: ServiceJob, kind: Kind) -> None:
    """Raise `NotAllowed` unless this person may do this to this job.

    The job's state is not asked here: the mirror may be seconds old, and Amazon decides.
    """
    if role_for(person, job.seller) not in WHO[kind]:
        raise NotAllowed("Your role does not allow this.")
    if kind in job.seller.switched_off:
        raise NotAllowed(SWITCHED_OFF)


def complete(*, person: Person, job: ServiceJob, key: uuid.UUID) -> Action:
    """Tell Amazon that the work is done. Raises `NotAllowed` and `ledger.KeyReused`."""
    require(person, job, Kind.COMPLETE)
    return write(
        key=key,
        person=person,
        job=job,
        kind=Kind.COMPLETE,
        payload={},
        call=lambda client: client.complete_service_job_by_service_job_id(job.service_job_id),
    )


def cancel(*, person: Person, job: ServiceJob, key: uuid.UUID, reason: str) -> Action:
    """Cancel the job, with Amazon's reason code. Raises as `complete`."""
    require(person, job, Kind.CANCEL)
    return write(
        key=key,
        person=person,
        job=job,
        kind=Kind.CANCEL,
        payload={"cancellationReasonCode": reason},
        call=lambda client: client.cancel_service_job_by_service_job_id(
            job.service_job_id, cancellationReasonCode=reason
        ),
    )


def write(
    *,
    key: uuid.UUID,
    person: Person,
    job: ServiceJob,
    kind: Kind,
    payload: ledger.Payload,
    call: ledger.Call,
) -> Action:
    """Carry out a write and read the job back, so that the page shows what Amazon has."""
    action = ledger.carry_out(
        ledger.Write(
            key=key, person=person, seller=job.seller, job=job, kind=kind, payload=payload
        ),
        call,
    )
    if action.settled:
        try:
            one_job.refresh_job(job)
        except FAULTS as error:
            # The write stands; the next sync brings the job.
            log.warning("job of action %s not read back: %s", action.pk, in_words(error))
    return action


def _fits(job: ServiceJob, kind: Kind) -> bool:
    active = job.appointment_status == Appointment.Status.ACTIVE
    open_job = job.status in (JobStatus.PENDING_SCHEDULE, JobStatus.NOT_SERVICED, JobStatus.HOLD)
    match kind:
        case Kind.ADD_APPOINTMENT:
            return open_job and not active
        case Kind.RESCHEDULE | Kind.ASSIGN:
            return open_job and active
        case Kind.COMPLETE:
            return job.status == JobStatus.NOT_SERVICED and active
        case Kind.CANCEL:
            return open_job
        case _:
            return False  # No screen offers these yet.
