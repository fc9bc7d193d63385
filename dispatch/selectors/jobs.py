"""Reads of the mirror: the list with its quick views and search, and one job with its parts."""

from __future__ import annotations

import datetime as dt
import uuid
import zoneinfo
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from dispatch.models import (
    OPEN_STATUSES,
    Action,
    Appointment,
    JobReference,
    JobStatus,
    JobWord,
    Person,
    ReasonCode,
    SavedView,
    Seller,
    ServiceJob,
    SyncJob,
    TechnicianResource,
)
from dispatch.models.keyring import keyring
from dispatch.models.words import split_words, typed_phone
from dispatch.selectors.pages import bounded_count

Jobs = QuerySet[ServiceJob]


@dataclass(frozen=True, slots=True)
class QuickView:
    """A named cut of the list; ``apply`` narrows a query at a moment."""

    slug: str
    label: str
    apply: Callable[[Jobs, dt.datetime], Jobs]


def is_late(now: dt.datetime) -> Q:
    """The window of an active appointment is over and the work is not done."""
    return Q(
        status=JobStatus.NOT_SERVICED,
        appointment_status=Appointment.Status.ACTIVE,
        scheduled_end__lt=now,
    )


def on_local_days(now: dt.datetime, first: int, last: int, zones: Iterable[str]) -> Q:
    """Appointments from ``first`` to ``last`` days after today, by the day where the job is."""
    by_date: dict[dt.date, list[str]] = defaultdict(list)
    for zone in zones:
        by_date[now.astimezone(zoneinfo.ZoneInfo(zone)).date()].append(zone)
    days = Q(pk__in=[])
    for today, names in by_date.items():
        span = (today + dt.timedelta(days=first), today + dt.timedelta(days=last))
        days |= Q(time_zone__in=names, local_date__range=span)
    return days


def _zones(jobs: Jobs) -> list[str]:
    return list(jobs.order_by().values_list("time_zone", flat=True).distinct())


def _today(jobs: Jobs, now: dt.datetime) -> Jobs:
    return jobs.filter(on_local_days(now, 0, 0, _zones(jobs)), status__in=_ON_THE_CALENDAR)


def _this_week(jobs: Jobs, now: dt.datetime) -> Jobs:
    return jobs.filter(on_local_days(now, 0, 6, _zones(jobs)), status__in=_ON_THE_CALENDAR)


_ON_THE_CALENDAR = (*OPEN_STATUSES, JobStatus.COMPLETED)

QUICK_VIEWS = (
    QuickView("today", "Today", _today),
    QuickView("open", "All open", lambda jobs, now: jobs.filter(status__in=OPEN_STATUSES)),
    QuickView(
        "unscheduled",
        "Unscheduled",
        lambda jobs, now: jobs.filter(
            status__in=(JobStatus.PENDING_SCHEDULE, JobStatus.HOLD)
        ).exclude(appointment_status=Appointment.Status.ACTIVE),
    ),
    QuickView("late", "Late", lambda jobs, now: jobs.filter(is_late(now))),
    QuickView("week", "This week", _this_week),
    QuickView("done", "Done", lambda jobs, now: jobs.filter(status=JobStatus.COMPLETED)),
    QuickView("all", "All", lambda jobs, now: jobs),
)


def quick_view(slug: str) -> QuickView:
    """The quick view of that name; `KeyError` for none of ours."""
    return {view.slug: view for view in QUICK_VIEWS}[slug]


def quick_view_counts(jobs: Jobs, now: dt.datetime) -> dict[str, int]:
    """How many jobs each quick view shows, counted up to the bound."""
    return {view.slug: bounded_count(view.apply(jobs, now)) for view in QUICK_VIEWS}


def search(jobs: Jobs, text: str, sellers: Iterable[Seller]) -> Jobs:
    """Jobs that hold every word of ``text``: ids from their beginning, other words whole.

    Names, phones and addresses are sealed; they are found by the keyed hashes of their words.
    """
    scopes = [str(seller.pk) for seller in sellers]
    phone = typed_phone(text)
    if phone:
        return jobs.filter(_has_word(phone, scopes) | _begins_with(text.strip()))
    for term in text.casefold().split():
        whole = Q()
        for word in split_words(term):
            whole &= _has_word(word, scopes)
        found = _has_word(term, scopes) | _begins_with(term)
        jobs = jobs.filter(found | whole if whole else found)
    return jobs


def _has_word(word: str, scopes: list[str]) -> Q:
    ring = keyring()
    hashes = [found for scope in scopes for found in ring.word_hashes(word, scope)]
    return Q(pk__in=JobWord.objects.filter(word_hash__in=hashes).values("job"))


def _begins_with(term: str) -> Q:
    return Q(service_job_id__istartswith=term) | Q(service_order_id__startswith=term)


def technicians_of(sellers: Iterable[Seller]) -> list[TechnicianResource]:
    """The roster of these sellers by name, one entry for each of Amazon's resource ids."""
    return list(
        TechnicianResource.objects.filter(seller__in=list(sellers), technician__active=True)
        .select_related("technician")
        .order_by("technician__name", "resource_id")
    )


def reference_values(
    sellers: Iterable[Seller], kind: JobReference.Kind, limit: int = 200
) -> list[str]:
    """Values that occur in these sellers' jobs, for a filter to offer."""
    found = JobReference.objects.filter(seller__in=list(sellers), kind=kind)
    return list(found.order_by("value").values_list("value", flat=True).distinct()[:limit])


def stores_of(sellers: Iterable[Seller], limit: int = 200) -> list[str]:
    """Store ids that occur in these sellers' jobs."""
    found = ServiceJob.objects.filter(seller__in=list(sellers)).exclude(store_id="")
    return list(found.order_by("store_id").values_list("store_id", flat=True).distinct()[:limit])


def history(job: ServiceJob) -> list[Action]:
    """Every write to this job, the latest first."""
    return list(job.actions.select_related("person").order_by("-created_at"))


def action_of(job: ServiceJob, action_id: str) -> Action | None:
    """One write to this job by its id; None for anything else."""
    try:
        return job.actions.filter(pk=uuid.UUID(action_id)).first()
    except ValueError:
        return None


def saved_views(person: Person, sellers: Iterable[Seller]) -> list[SavedView]:
    """A person's own views and those shared with the people of these sellers, by name."""
    own_or_shared = Q(person=person) | Q(seller__in=list(sellers))
    return list(SavedView.objects.filter(own_or_shared).order_by("name", "pk"))


STALE_AFTER = dt.timedelta(minutes=3)
OVERDUE_AFTER = dt.timedelta(minutes=1)


def is_stale(seller: Seller, now: dt.datetime) -> bool:
    """Whether the mirror is older than the pace of sync explains: the next look failed or is late.

    At night, when nobody looks, ten minutes are no reason to worry.
    """
    if seller.synced_at is None:
        return True
    if now - seller.synced_at <= STALE_AFTER:
        return False
    in_order = SyncJob.objects.filter(attempts=0, next_run_at__gt=now - OVERDUE_AFTER)
    return not in_order.filter(seller=seller, kind=SyncJob.Kind.INCREMENTAL).exists()


def first_loads(sellers: Iterable[Seller]) -> list[SyncJob]:
    """First loads that are still running, with how far they are."""
    return list(
        SyncJob.objects.filter(
            seller__in=list(sellers), kind=SyncJob.Kind.FIRST_LOAD, finished_at=None
        )
        .exclude(seller__state=Seller.State.DISCONNECTED)
        .select_related("seller")
        .order_by("seller__name")
    )


def references(job: ServiceJob) -> dict[str, list[str]]:
    """The job's many-valued parts by kind, each in order."""
    found: dict[str, list[str]] = defaultdict(list)
    for kind, value in job.references.order_by("value").values_list("kind", "value"):
        found[kind].append(value)
    return dict(found)


def reschedules(job: ServiceJob) -> int:
    """How often this side moved the job's appointment, as the ledger knows."""
    return job.actions.filter(
        kind=Action.Kind.RESCHEDULE, state__in=(Action.State.ACCEPTED, Action.State.WARNED)
    ).count()


def reason_codes(job: ServiceJob, kind: ReasonCode.Kind) -> list[ReasonCode]:
    """The codes the owner keeps for this seller and the job's marketplace."""
    return list(
        ReasonCode.objects.filter(
            seller=job.seller,
            kind=kind,
            marketplace_id=job.marketplace_id or job.seller.marketplace_id,
        )
    )


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
    """The seller's technicians for a job, those with the skills who are free first.

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
    """Resource ids with another active appointment that overlaps this job's."""
    if not job.scheduled_start or not job.scheduled_end:
        return set()
    others = ServiceJob.objects.filter(
        seller=job.seller,
        appointment_status=Appointment.Status.ACTIVE,
        scheduled_start__lt=job.scheduled_end,
        scheduled_end__gt=job.scheduled_start,
    ).exclude(pk=job.pk)
    return set(
        JobReference.objects.filter(job__in=others, kind=JobReference.Kind.RESOURCE).values_list(
            "value", flat=True
        )
    )
