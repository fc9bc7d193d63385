"""Quick views: the named lists above the list of jobs, each with its count."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from dispatch.models import OPEN_STATUSES, UNSCHEDULED, Appointment, JobStatus
from dispatch.selectors.listing.conditions import Between, Condition, Unindexed
from dispatch.selectors.listing.counting import Count, count, count_each
from dispatch.selectors.listing.query import JobQuery

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

DAY = 86_400
FARTHEST_EAST, FARTHEST_WEST = 14 * 3600, 12 * 3600
"""The zones where a day begins first and ends last, in seconds from UTC."""


@dataclass(frozen=True, slots=True)
class QuickView:
    """A named list; ``apply`` narrows a query to it at a moment."""

    slug: str
    label: _StrPromise
    apply: Callable[[JobQuery, dt.datetime], JobQuery]


ON_THE_CALENDAR = (*OPEN_STATUSES, JobStatus.COMPLETED)
IS_ACTIVE = Q(appointment_status=Appointment.Status.ACTIVE)


def on_days(first: dt.date | None, last: dt.date | None) -> tuple[Condition, ...]:
    """Return the conditions for appointments from the first to the last day, where each job is.

    None leaves a side open. The days of all zones are one span of ``scheduled_key``, so that no
    more of its index is read.
    """
    days = Q(local_date__isnull=False)
    days &= Q(local_date__gte=first) if first else Q()
    days &= Q(local_date__lte=last) if last else Q()
    begin = _midnight(first) - FARTHEST_EAST if first else None
    end = _midnight(last) + DAY + FARTHEST_WEST if last else UNSCHEDULED
    return Between("scheduled_key", begin, min(end, UNSCHEDULED)), Unindexed(days)


def _midnight(day: dt.date) -> int:
    return (day - dt.date(1970, 1, 1)).days * DAY


def _from_today(query: JobQuery, now: dt.datetime, last: int) -> JobQuery:
    """Narrow to the calendar from today to ``last`` days after, by the day where each job is."""
    zones: dict[dt.date, list[str]] = defaultdict(list)
    for zone in sorted({zone for scope in query.scopes for zone in scope.facets.zones}):
        zones[now.astimezone(zoneinfo.ZoneInfo(zone)).date()].append(zone)
    days = Q(pk__in=[])
    for today, names in zones.items():
        span = (today, today + dt.timedelta(days=last))
        days |= Q(time_zone__in=names, local_date__range=span)
    outer = on_days(min(zones), max(zones) + dt.timedelta(days=last)) if zones else ()
    return query.only_statuses(ON_THE_CALENDAR).where(*outer[:1], Unindexed(days))


def _late(query: JobQuery, now: dt.datetime) -> JobQuery:
    """Narrow to active appointments whose window is over while the work is not done."""
    over = Unindexed(IS_ACTIVE & Q(scheduled_end__lt=now))
    begun = Between("scheduled_key", None, int(now.timestamp()) + 1)
    return query.only_statuses([JobStatus.NOT_SERVICED]).where(begun, over)


def _unscheduled(query: JobQuery, now: dt.datetime) -> JobQuery:
    waiting = query.only_statuses([JobStatus.PENDING_SCHEDULE, JobStatus.HOLD])
    return waiting.where(Unindexed(~IS_ACTIVE))


QUICK_VIEWS = (
    QuickView("today", _("Today"), lambda query, now: _from_today(query, now, 0)),
    QuickView("open", _("All open"), lambda query, now: query.only_statuses(OPEN_STATUSES)),
    QuickView("unscheduled", _("Unscheduled"), _unscheduled),
    QuickView("late", _("Late"), _late),
    QuickView("week", _("This week"), lambda query, now: _from_today(query, now, 6)),
    QuickView("done", _("Done"), lambda query, now: query.only_statuses([JobStatus.COMPLETED])),
    QuickView("all", _("All"), lambda query, now: query),
)


def quick_view(slug: str) -> QuickView:
    """Return the quick view of that name; `KeyError` if there is none."""
    return {view.slug: view for view in QUICK_VIEWS}[slug]


def list_counts(
    chosen: JobQuery, visible: JobQuery, now: dt.datetime
) -> tuple[Count, dict[str, Count]]:
    """Return how many jobs are chosen, and how many of the visible ones each quick view shows.

    Both are kept in memory while no job changes: turning a page counts nothing.
    """
    shown = _views_of(visible, now)
    counted = _view_counts(visible, now)
    found = counted.get(chosen) or _count(chosen)
    return found, {slug: counted[query] for slug, query in shown.items()}


def _views_of(visible: JobQuery, now: dt.datetime) -> dict[str, JobQuery]:
    return {view.slug: view.apply(visible, now) for view in QUICK_VIEWS}


@lru_cache(maxsize=512)
def _view_counts(visible: JobQuery, now: dt.datetime) -> dict[JobQuery, Count]:
    queries = list(_views_of(visible, now).values())
    return dict(zip(queries, count_each(queries), strict=True))


_count = lru_cache(maxsize=512)(count)
