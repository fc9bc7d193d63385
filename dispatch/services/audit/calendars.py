"""Appointments as a calendar file (iCalendar, RFC 5545).

Phones hand their calendars on: to a cloud, a car, a family. So no event says more of a place than
city and state, and nothing of the buyer, whoever asks for it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Generator, Iterable

from django.utils import timezone
from django.utils.translation import gettext
from icalendar import Calendar, Event

from dispatch.models import CLOSED_STATUSES, Appointment, JobStatus, Person, ServiceJob
from dispatch.services.audit import activity
from dispatch.services.audit.exports import recorded

CALLED_OFF = frozenset(CLOSED_STATUSES) - {JobStatus.COMPLETED}
_PRODUCT = "-//Dispatch//Jobs//EN"

Address = Callable[[ServiceJob], str]


def pieces(
    *, person: Person, jobs: Iterable[ServiceJob], address: Address
) -> Generator[str, None, None]:
    """Return a calendar file in pieces, with an event for each job that has an appointment.

    It comes event by event, so that a hundred thousand need no more memory than one. ``address``
    gives that of a job's page.
    """
    # As with the rows of a spreadsheet: by the time they are made, the request is answered.
    return _pieces(person, jobs, address, activity.asking())


def _pieces(
    person: Person, jobs: Iterable[ServiceJob], address: Address, asked: activity.Asking
) -> Generator[str, None, None]:
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", _PRODUCT)
    head, end, rest = calendar.to_ical().decode().partition("END:VCALENDAR")
    yield head
    with recorded(person, "appointments", asked) as count:
        for job in jobs:
            if job.scheduled_start:
                count[job.seller] += 1
                yield _event(job, address(job)).to_ical().decode()
    yield end + rest


def _event(job: ServiceJob, url: str) -> Event:
    """Return a job's appointment as an event.

    Its ``UID`` is the same every time, so that a calendar replaces the event it has.
    """
    start, end = job.scheduled_start, job.scheduled_end
    called_off = job.appointment_status == Appointment.Status.CANCELLED or job.status in CALLED_OFF
    event = Event()
    event.add("uid", str(uuid.uuid5(job.seller_id, job.service_job_id)))
    event.add("dtstamp", timezone.now())
    event.add("last-modified", job.changed_at)
    event.add("dtstart", start)
    # An end must be later than its beginning; without one the event is a moment.
    if start and end and end > start:
        event.add("dtend", end)
    event.add("status", "CANCELLED" if called_off else "CONFIRMED")
    event.add("summary", _plain(job.title) or gettext("Untitled job"))
    event.add("description", _description(job))
    event.add("url", url)
    if place := ", ".join(filter(None, map(_plain, (job.city, job.state_or_region)))):
        event.add("location", place)
    return event


def _description(job: ServiceJob) -> str:
    facts = {
        gettext("Job"): job.service_job_id,
        gettext("Status"): job.get_status_display(),
        gettext("Technicians"): job.technician_names,
        gettext("Seller"): job.seller.name,
    }
    return "\n".join(f"{name}: {_plain(value)}" for name, value in facts.items() if value)


def _plain(text: str) -> str:
    """Return a text as one line of readable signs.

    The library escapes commas, semicolons and line feeds; a NUL, other ends of a line and marks
    that turn the direction of writing would reach the calendar as they are.
    """
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
