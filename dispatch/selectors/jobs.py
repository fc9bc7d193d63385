"""Reads of the mirror: the list with its quick views and search, and one job with its parts."""

from __future__ import annotations

import datetime as dt
import uuid
import zoneinfo
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from django.db.models import Q, Value

from dispatch.models import (
    OPEN_STATUSES,
    UNSCHEDULED,
    Action,
    Appointment,
    JobReference,
    JobStatus,
    Person,
    ReasonCode,
    SavedView,
    Seller,
    ServiceJob,
    SyncJob,
    Technician,
    TechnicianResource,
)
from dispatch.models.words import split_words, typed_phone
from dispatch.selectors.cuts import Condition, Cut, Says, Where, Within, Word, word_of
from dispatch.selectors.pages import Count, count, counts, together
from dispatch.selectors.seeks import values_of

DAY = 86_400
FARTHEST_EAST, FARTHEST_WEST = 14 * 3600, 12 * 3600
"""The zones where a day begins first and ends last, in seconds from UTC."""
LONGEST_VISIT = 7 * DAY
"""No appointment goes on for longer: so far back another one may have begun."""
MOST_IDS = 1000
LAST_CHARACTER = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class QuickView:
    """A named cut of the list; ``apply`` narrows a list at a moment."""

    slug: str
    label: str
    apply: Callable[[Cut, dt.datetime], Cut]


ON_THE_CALENDAR = (*OPEN_STATUSES, JobStatus.COMPLETED)
IS_ACTIVE = Q(appointment_status=Appointment.Status.ACTIVE)


def on_days(first: dt.date | None, last: dt.date | None) -> tuple[Condition, ...]:
    """Appointments from the first to the last day, where the job is; None leaves a side open.

    The days of all zones are a range of the list's order, which keeps reading near them.
    """
    days = Q(local_date__isnull=False)
    days &= Q(local_date__gte=first) if first else Q()
    days &= Q(local_date__lte=last) if last else Q()
    begin = _midnight(first) - FARTHEST_EAST if first else None
    end = _midnight(last) + DAY + FARTHEST_WEST if last else UNSCHEDULED
    return Within("scheduled_key", begin, min(end, UNSCHEDULED)), Where(days)


def _midnight(day: dt.date) -> int:
    return (day - dt.date(1970, 1, 1)).days * DAY


def _from_today(cut: Cut, now: dt.datetime, last: int) -> Cut:
    """What is on the calendar from today to ``last`` days after, by the day where each job is."""
    zones: dict[dt.date, list[str]] = defaultdict(list)
    for zone in sorted({zone for scope in cut.scopes for zone in scope.known.zones}):
        zones[now.astimezone(zoneinfo.ZoneInfo(zone)).date()].append(zone)
    days = Q(pk__in=[])
    for today, names in zones.items():
        span = (today, today + dt.timedelta(days=last))
        days |= Q(time_zone__in=names, local_date__range=span)
    outer = on_days(min(zones), max(zones) + dt.timedelta(days=last)) if zones else ()
    return cut.with_status(ON_THE_CALENDAR).that(*outer[:1], Where(days))


def _late(cut: Cut, now: dt.datetime) -> Cut:
    """The window of an active appointment is over and the work is not done."""
    over = Where(IS_ACTIVE & Q(scheduled_end__lt=now))
    begun = Within("scheduled_key", None, int(now.timestamp()) + 1)
    return cut.with_status([JobStatus.NOT_SERVICED]).that(begun, over)


def _unscheduled(cut: Cut, now: dt.datetime) -> Cut:
    waiting = cut.with_status([JobStatus.PENDING_SCHEDULE, JobStatus.HOLD])
    return waiting.that(Where(~IS_ACTIVE))


QUICK_VIEWS = (
    QuickView("today", "Today", lambda cut, now: _from_today(cut, now, 0)),
    QuickView("open", "All open", lambda cut, now: cut.with_status(OPEN_STATUSES)),
    QuickView("unscheduled", "Unscheduled", _unscheduled),
    QuickView("late", "Late", _late),
    QuickView("week", "This week", lambda cut, now: _from_today(cut, now, 6)),
    QuickView("done", "Done", lambda cut, now: cut.with_status([JobStatus.COMPLETED])),
    QuickView("all", "All", lambda cut, now: cut),
)


def quick_view(slug: str) -> QuickView:
    """The quick view of that name; `KeyError` for none of ours."""
    return {view.slug: view for view in QUICK_VIEWS}[slug]


def list_counts(chosen: Cut, visible: Cut, now: dt.datetime) -> tuple[Count, dict[str, Count]]:
    """How many jobs are chosen, and how many each quick view of the visible ones shows.

    Both are kept while nothing changes: turning a page counts nothing.
    """
    shown = _views_of(visible, now)
    counted = _view_counts(visible, now)
    found = counted.get(chosen) or _count(chosen)
    return found, {slug: counted[cut] for slug, cut in shown.items()}


def _views_of(visible: Cut, now: dt.datetime) -> dict[str, Cut]:
    return {view.slug: view.apply(visible, now) for view in QUICK_VIEWS}


@lru_cache(maxsize=512)
def _view_counts(visible: Cut, now: dt.datetime) -> dict[Cut, Count]:
    cuts = list(_views_of(visible, now).values())
    return dict(zip(cuts, counts(cuts), strict=True))


_count = lru_cache(maxsize=512)(count)


def search(cut: Cut, text: str) -> Cut:
    """Jobs that hold every word of ``text``: ids from their beginning, other words whole.

    Names, phones and addresses are sealed; they are found by the keyed hashes of their words. Of
    the ids that begin alike, the first `MOST_IDS` are taken.
    """
    phone = typed_phone(text)
    terms = [text.strip()] if phone else list(dict.fromkeys(text.split()))
    begun = _beginning_with(cut, terms)
    for term in terms:
        word = phone or term.casefold()
        phrases = {(word,)} if phone else {(word,), tuple(dict.fromkeys(split_words(word)))} - {()}
        hashed = tuple(_hashed(phrase, cut.sellers) for phrase in sorted(phrases))
        cut = cut.that(Says(hashed, tuple(begun[term])))
    return cut


def _hashed(phrase: tuple[str, ...], sellers: list[uuid.UUID]) -> tuple[Word, ...]:
    return tuple(word_of(word, sellers) for word in sorted(phrase, key=len, reverse=True))


def _beginning_with(cut: Cut, terms: list[str]) -> dict[str, list[int]]:
    """Jobs whose id, or whose order's, begins with a term as typed, in capitals or without."""
    jobs = ServiceJob.objects.filter(seller__in=cut.sellers)
    parts = [
        jobs.filter(**{f"{column}__gte": begin, f"{column}__lt": begin + LAST_CHARACTER})
        .values_list(Value(nth), "pk")[:MOST_IDS]
        for nth, term in enumerate(terms)
        for begin in dict.fromkeys((term, term.upper(), term.lower()))
        for column in ("service_job_id", "service_order_id")
    ]  # fmt: skip
    found: dict[str, list[int]] = {term: [] for term in terms}
    for nth, key in together(parts):
        found[terms[nth]].append(key)
    return found


def technicians_of(sellers: Iterable[Seller]) -> list[TechnicianResource]:
    """The roster of these sellers by name, one entry for each of Amazon's resource ids."""
    return list(
        TechnicianResource.objects.filter(seller__in=list(sellers), technician__active=True)
        .select_related("technician")
        .order_by("technician__name", "resource_id")
    )


def roster_of(sellers: Iterable[Seller]) -> list[tuple[int, str]]:
    """The technicians of these sellers to whom a job can be assigned: key and name, by name."""
    found = Technician.objects.filter(resources__seller__in=list(sellers), active=True).order_by(
        "name", "pk"
    )
    return list(found.values_list("pk", "name").distinct())


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
    begin, end = (int(moment.timestamp()) for moment in (job.scheduled_start, job.scheduled_end))
    others = ServiceJob.objects.filter(
        seller=job.seller,
        status__in=values_of(ServiceJob, "status", [job.seller_id]),
        scheduled_key__range=(begin - LONGEST_VISIT, end - 1),
        appointment_status=Appointment.Status.ACTIVE,
        scheduled_end__gt=job.scheduled_start,
    ).exclude(pk=job.pk)
    return set(
        JobReference.objects.filter(
            job__in=list(others.values_list("pk", flat=True)), kind=JobReference.Kind.RESOURCE
        ).values_list("value", flat=True)
    )
