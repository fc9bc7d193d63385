"""Tags and filters that say in words what a job, its times and its actions are."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext, pgettext

from dispatch.models import Appointment, AssociatedItem, Person, ServiceJob
from dispatch.services.amazon.slots import Slot
from dispatch.web.shell import clock
from dispatch.web.shell.fragments import draw, drawn_once

register = template.Library()


@register.filter
def address(job: ServiceJob) -> str:
    """Return the address of a job's page."""
    return _address(job.service_job_id)


@lru_cache(maxsize=4096)
def _address(service_job_id: str) -> str:
    return reverse("job", args=[service_job_id])


@register.simple_tag(takes_context=True)
def job_state(context: dict[str, Any], job: ServiceJob) -> clock.State:
    """Return the job's state now, with its colour and its word."""
    return clock.state(job, context["now"])


@register.simple_tag(takes_context=True)
def job_remark(context: dict[str, Any], job: ServiceJob) -> clock.Remark:
    """Return the most urgent thing that the clock has to say of a job now."""
    return clock.remark(job, context["now"])


@register.simple_tag(takes_context=True)
def appointment_time(context: dict[str, Any], job: ServiceJob) -> str | SafeString:
    """Draw the appointment's time where the job is; in the tooltip, the reader's own."""
    if job.scheduled_start is None:
        return "—"
    return _time(context, job.scheduled_start, job.scheduled_end, job)


@register.simple_tag(takes_context=True)
def visit_time(context: dict[str, Any], visit: Appointment, job: ServiceJob) -> str | SafeString:
    """Draw the time of one of a job's appointments, current or replaced."""
    if visit.start is None:
        return "—"
    end = visit.start + dt.timedelta(minutes=visit.duration_minutes or 0)
    return _time(context, visit.start, end, job)


def _time(
    context: dict[str, Any], start: dt.datetime, end: dt.datetime | None, job: ServiceJob
) -> SafeString:
    person = getattr(context.get("request"), "user", None)
    own = person.time_zone if isinstance(person, Person) else ""
    zone = clock.zone_of(job)
    return _time_in(start, end, zone, context["now"].astimezone(zone).date(), own)


@drawn_once
def _time_in(
    start: dt.datetime, end: dt.datetime | None, zone: ZoneInfo, today: dt.date, own: str
) -> SafeString:
    """Draw a window in a zone; in the tooltip, the day, or the time in the reader's own zone."""
    local = start.astimezone(zone)
    return draw(
        "components/time.html",
        machine=local.isoformat(),
        tooltip=_for_reader(start, end, local, own),
        day=clock.day_name(local.date(), today),
        window=clock.window(start, end, zone),
        zone=clock.zone_names(start, end, zone),
    )


def _for_reader(start: dt.datetime, end: dt.datetime | None, local: dt.datetime, own: str) -> str:
    zone = clock.named_zone(own) if own else local.tzinfo
    mine = start.astimezone(zone)
    if mine.utcoffset() == local.utcoffset() or not isinstance(zone, ZoneInfo):
        return date_format(local, pgettext("format", "l j F Y"))
    times = clock.window(start, end, zone)
    words = {
        "day": date_format(mine, pgettext("format", "D j M")),
        "times": times,
        "zone": mine.tzname(),
    }
    return gettext("%(day)s, %(times)s %(zone)s, your time") % words


@register.simple_tag(takes_context=True)
def job_moment(context: dict[str, Any], moment: dt.datetime | None, job: ServiceJob) -> str:
    """Return a moment as it is where the job is: "18 Nov, 16:20 EST"."""
    if moment is None:
        return "—"
    local = moment.astimezone(clock.zone_of(job))
    if local.year == context["now"].year:
        return date_format(local, pgettext("format", "j M, G:i T"))
    return date_format(local, pgettext("format", "j M Y, G:i T"))


@register.filter
def slot_times(slot: Slot, job: ServiceJob) -> str:
    """Return a slot's window, with the zone's names where the clock alone does not tell."""
    zone = clock.zone_of(job)
    names = clock.zone_names(slot.start, slot.end, zone)
    told = "–" not in names and not clock.comes_twice(slot.start, zone)
    times = clock.window(slot.start, slot.end, zone)
    return times if told else f"{times} {names}"


@register.filter
def slot_value(slot: Slot, job: ServiceJob) -> str:
    return slot.start.astimezone(clock.zone_of(job)).isoformat(timespec="minutes")


@register.simple_tag
def wish_words(wish: Any, job: ServiceJob) -> str:
    """Return a buyer's preferred time: "Wed 26 November, 8:00–12:00"."""
    start, end = (wish.start, wish.end) if isinstance(wish, Slot) else wish
    zone = clock.zone_of(job)
    day = start.astimezone(zone)
    words = {
        "day": date_format(day, pgettext("format", "D j F")),
        "times": clock.window(start, end, zone),
    }
    return gettext("%(day)s, %(times)s") % words


@register.filter
def product_name(item: AssociatedItem) -> str:
    """Return the product's title, with the brand where the title does not begin with it."""
    if item.title.casefold().startswith(item.brand.casefold()):
        return item.title or gettext("Product")
    return f"{item.brand} {item.title}".strip()


@register.filter
def zone_name(job: ServiceJob, moment: dt.datetime | None = None) -> str:
    """Return the abbreviation of the job's zone at its appointment, else at ``moment``."""
    at = job.scheduled_start or moment
    return (at.astimezone(clock.zone_of(job)).tzname() or "") if at else job.time_zone
