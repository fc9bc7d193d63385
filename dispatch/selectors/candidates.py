"""Candidates: who could do a job, and what else they do then."""

from __future__ import annotations

from dataclasses import dataclass

from dispatch.models import Appointment, JobReference, ServiceJob
from dispatch.selectors.jobs import references
from dispatch.selectors.listing.skip_scan import distinct_values
from dispatch.selectors.technicians import technicians_of

LONGEST_VISIT = 7 * 86_400
"""No appointment lasts longer, in seconds: one that began earlier does not reach into another."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who could do a job: their skills for it, and what else they do then."""

    resource_id: str
    name: str
    colour: int
    assigned: bool
    missing_skills: tuple[str, ...]
    busy: bool


def candidates(job: ServiceJob) -> list[Candidate]:
    """Return the seller's technicians for a job, those with the skills who are free first.

    Somebody assigned who is not on the roster stays in the list: leaving them out would take them
    off the job unseen.
    """
    assigned = _assigned(job)
    skills = set(references(job).get(JobReference.Kind.SKILL, []))
    busy = _busy_then(job)
    found = [
        Candidate(
            resource_id=resource.resource_id,
            name=resource.technician.name,
            colour=resource.technician.colour,
            assigned=resource.resource_id in assigned,
            missing_skills=tuple(sorted(skills - set(resource.technician.skills))),
            busy=resource.resource_id in busy,
        )
        for resource in technicians_of([job.seller])
    ]
    known = {candidate.resource_id for candidate in found}
    found += [
        Candidate(resource_id, name or resource_id, 0, True, (), resource_id in busy)
        for resource_id, name in assigned.items()
        if resource_id not in known
    ]
    return sorted(found, key=lambda one: (bool(one.missing_skills), one.busy, one.name))


def _assigned(job: ServiceJob) -> dict[str, str]:
    visit = job.appointments.filter(appointment_id=job.appointment_id).first()
    return {t["technicianId"]: t["name"] for t in visit.technicians} if visit else {}


def _busy_then(job: ServiceJob) -> set[str]:
    """Return the resource ids with another active appointment that overlaps this job's."""
    if not job.scheduled_start or not job.scheduled_end:
        return set()
    begin, end = (int(moment.timestamp()) for moment in (job.scheduled_start, job.scheduled_end))
    others = ServiceJob.objects.filter(
        seller=job.seller,
        status__in=distinct_values(ServiceJob, "status", [job.seller_id]),
        scheduled_key__range=(begin - LONGEST_VISIT, end - 1),
        appointment_status=Appointment.Status.ACTIVE,
        scheduled_end__gt=job.scheduled_start,
    ).exclude(pk=job.pk)
    return set(
        JobReference.objects.filter(
            job__in=list(others.values_list("pk", flat=True)), kind=JobReference.Kind.RESOURCE
        ).values_list("value", flat=True)
    )
