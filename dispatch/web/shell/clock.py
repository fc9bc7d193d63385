"""Times as a dispatcher reads them: where the job is, and how they stand to now."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from dataclasses import dataclass

from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext, pgettext
from django.utils.translation import gettext_lazy as _

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
    JobStatus.PENDING_SCHEDULE: ("pending_schedule", _("Pending schedule")),
    JobStatus.NOT_SERVICED: ("scheduled", _("Scheduled")),
    JobStatus.HOLD: ("hold", _("Hold")),
    JobStatus.COMPLETED: ("completed", _("Completed")),
    JobStatus.CANCELLED: ("cancelled", _("Cancelled")),
    JobStatus.NOT_FULFILLABLE: ("not_fulfillable", _("Not fulfillable")),
    JobStatus.PAYMENT_DECLINED: ("payment_declined", _("Payment declined")),
    JobStatus.GONE: ("not_fulfillable", _("Gone from Amazon")),
}


def state(job: ServiceJob, now: dt.datetime) -> State:
    """Return the job's state; late is ours, for a window that is over with the work not done."""
    if _is_late(job, now):
        return State("late", gettext("Late"))
    if job.status in _STATES:
        slug, label = _STATES[JobStatus(job.status)]
        return State(slug, str(label))
    unknown = job.status.replace("_", " ").capitalize() or gettext("Unknown")
    return State("not_fulfillable", unknown)


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
        time = short_window(*first, zone_of(job))
        return Remark(gettext("buyer prefers %(time)s") % {"time": time}, "strong")
    if wishes:
        return Remark(gettext("preferred times passed"), "caution")
    if job.created_at is None:
        return Remark("")
    return Remark(gettext("%(time)s old") % {"time": ago(job.created_at, now)})


def _upcoming(job: ServiceJob, start: dt.datetime, now: dt.datetime) -> Remark:
    end = job.scheduled_end or start
    if end < now:
        return Remark(gettext("%(time)s late") % {"time": ago(end, now)}, "late")
    if not job.technician_count:
        soon = start - now < dt.timedelta(days=1)
        return Remark(gettext("assign now") if soon else gettext("nobody assigned"), "caution")
    if start <= now:
        return Remark(gettext("window ends in %(time)s") % {"time": ago(now, end)}, "strong")
    words = gettext("starts in %(time)s") % {"time": ago(now, start)}
    return Remark(words, "strong" if start - now < SOON else "muted")


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


NEAR = {0: _("Today"), 1: _("Tomorrow"), -1: _("Yesterday")}


def day_name(day: dt.date, today: dt.date) -> str:
    """Return "Today", "Tomorrow", "Yesterday", or "Wed 26 Nov", with the year when it differs."""
    near = NEAR.get((day - today).days)
    if near:
        return str(near)
    if day.year == today.year:
        return date_format(day, pgettext("format", "D j M"))
    return date_format(day, pgettext("format", "D j M Y"))


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
        return f"{date_format(first, 'D')} {window(start, end, zone)}"
    return f"{date_format(first, pgettext('format', 'D G'))}–{last.hour}"


def clock_time(moment: dt.datetime) -> str:
    """Return "9:05", in the moment's own zone."""
    return date_format(moment, pgettext("format", "G:i"))


def ago(earlier: dt.datetime, later: dt.datetime) -> str:
    """Return the time between two moments, such as "42 min", "2 h 5 min" or "3 days"."""
    minutes = max(0, int((later - earlier).total_seconds() // 60))
    if minutes < 60:
        return gettext("%(minutes)s min") % {"minutes": minutes}
    hours, minutes = divmod(minutes, 60)
    if hours < 3 and minutes:
        return gettext("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": minutes}
    if hours < 48:
        return gettext("%(hours)s h") % {"hours": hours}
    days = hours // 24
    return ngettext("%(days)s day", "%(days)s days", days) % {"days": days}
