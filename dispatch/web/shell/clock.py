"""Times as a dispatcher reads them: where the job is, and how they stand to now."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from dataclasses import dataclass

from dispatch.models import Appointment, JobStatus, ServiceJob

SOON = dt.timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class State:
    """What a job is, in one word: ``slug`` picks icon and colour."""

    slug: str
    label: str


@dataclass(frozen=True, slots=True)
class Remark:
    """What the clock says of a job; ``tone`` is late, caution, strong or muted."""

    text: str
    tone: str = "muted"


_STATES = {
    JobStatus.PENDING_SCHEDULE: State("pending_schedule", "Pending schedule"),
    JobStatus.NOT_SERVICED: State("scheduled", "Scheduled"),
    JobStatus.HOLD: State("hold", "Hold"),
    JobStatus.COMPLETED: State("completed", "Completed"),
    JobStatus.CANCELLED: State("cancelled", "Cancelled"),
    JobStatus.NOT_FULFILLABLE: State("not_fulfillable", "Not fulfillable"),
    JobStatus.PAYMENT_DECLINED: State("payment_declined", "Payment declined"),
    JobStatus.GONE: State("not_fulfillable", "Gone from Amazon"),
}


def state(job: ServiceJob, now: dt.datetime) -> State:
    """Return the job's state; late is ours, for a window that is over with the work not done."""
    if _is_late(job, now):
        return State("late", "Late")
    found = _STATES.get(job.status)  # type: ignore[call-overload]
    if isinstance(found, State):
        return found
    return State("not_fulfillable", job.status.replace("_", " ").capitalize() or "Unknown")


def remark(job: ServiceJob, now: dt.datetime) -> Remark:
    """Return the most urgent thing that the clock has to say of a job."""
    if job.status in (JobStatus.PENDING_SCHEDULE, JobStatus.HOLD) and not _active(job):
        return _unscheduled(job, now)
    if job.status == JobStatus.NOT_SERVICED and _active(job) and job.scheduled_start:
        return _upcoming(job, job.scheduled_start, now)
    return Remark("")


def _unscheduled(job: ServiceJob, now: dt.datetime) -> Remark:
    wishes = preferred_windows(job)
    if wishes and wishes[-1][1] > now:
        first = next(wish for wish in wishes if wish[1] > now)
        return Remark(f"buyer prefers {short_window(*first, zone_of(job))}", "strong")
    if wishes:
        return Remark("preferred times passed", "caution")
    return Remark(f"{ago(job.created_at, now)} old") if job.created_at else Remark("")


def _upcoming(job: ServiceJob, start: dt.datetime, now: dt.datetime) -> Remark:
    end = job.scheduled_end or start
    if end < now:
        return Remark(f"{ago(end, now)} late", "late")
    if not job.technician_count:
        soon = start - now < dt.timedelta(days=1)
        return Remark("assign now" if soon else "nobody assigned", "caution")
    if start <= now:
        return Remark(f"window ends in {ago(now, end)}", "strong")
    return Remark(f"starts in {ago(now, start)}", "strong" if start - now < SOON else "muted")


def _active(job: ServiceJob) -> bool:
    return job.appointment_status == Appointment.Status.ACTIVE


def _is_late(job: ServiceJob, now: dt.datetime) -> bool:
    return (
        job.status == JobStatus.NOT_SERVICED
        and _active(job)
        and job.scheduled_end is not None
        and job.scheduled_end < now
    )


def zone_of(job: ServiceJob) -> zoneinfo.ZoneInfo:
    """Return the zone where the job is."""
    return named_zone(job.time_zone)


def named_zone(name: str) -> zoneinfo.ZoneInfo:
    """Return a zone by its IANA name; UTC where the name is unknown to this machine."""
    try:
        return zoneinfo.ZoneInfo(name or "UTC")
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return zoneinfo.ZoneInfo("UTC")


def preferred_windows(job: ServiceJob) -> list[tuple[dt.datetime, dt.datetime]]:
    """Return the buyer's preferred times in order, as aware beginnings and ends."""
    windows = []
    for wish in job.preferred_times or []:
        start = dt.datetime.fromisoformat(wish["startTime"])
        windows.append((start, start + dt.timedelta(minutes=wish["durationInMinutes"])))
    return sorted(windows)


def day_name(day: dt.date, today: dt.date) -> str:
    """Return "Today", "Tomorrow", "Yesterday", or "Wed 26 Nov", with the year when it differs."""
    near = {0: "Today", 1: "Tomorrow", -1: "Yesterday"}.get((day - today).days)
    if near:
        return near
    year = f" {day.year}" if day.year != today.year else ""
    return f"{day:%a} {day.day} {day:%b}{year}"


def window(start: dt.datetime, end: dt.datetime | None, zone: zoneinfo.ZoneInfo) -> str:
    """Return "9:00–10:00" in a zone; the end is left out where there is none."""
    first = clock_time(start.astimezone(zone))
    if end is None or end == start:
        return first
    return f"{first}–{clock_time(end.astimezone(zone))}"


def zone_names(start: dt.datetime, end: dt.datetime | None, zone: zoneinfo.ZoneInfo) -> str:
    """Return "EST", or "EDT–EST" for a window in which the clocks change."""
    names = [moment.astimezone(zone).tzname() or "" for moment in (start, end or start)]
    return "–".join(dict.fromkeys(names))


def comes_twice(moment: dt.datetime, zone: zoneinfo.ZoneInfo) -> bool:
    """Tell whether a moment's local time is also that of another, as the clocks go back."""
    here = moment.astimezone(zone)
    return here.replace(fold=0).utcoffset() != here.replace(fold=1).utcoffset()


def short_window(start: dt.datetime, end: dt.datetime, zone: zoneinfo.ZoneInfo) -> str:
    """Return "Wed 8–12" for a buyer's wish."""
    first, last = start.astimezone(zone), end.astimezone(zone)
    if first.minute or last.minute:
        return f"{first:%a} {window(start, end, zone)}"
    return f"{first:%a} {first.hour}–{last.hour}"


def clock_time(moment: dt.datetime) -> str:
    """Return "9:05", in the moment's own zone."""
    return f"{moment.hour}:{moment.minute:02}"


def ago(earlier: dt.datetime, later: dt.datetime) -> str:
    """Return the time between two moments, such as "42 min", "2 h 5 min" or "3 days"."""
    minutes = max(0, int((later - earlier).total_seconds() // 60))
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 3 and minutes:
        return f"{hours} h {minutes} min"
    if hours < 48:
        return f"{hours} h"
    return f"{hours // 24} days"
