"""Tags and filters of the jobs screens: each one only words what the job says."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dispatch.models import Action, Appointment, AssociatedItem, Person, ServiceJob
from dispatch.services.amazon.slots import Slot
from dispatch.web.shell import clock
from dispatch.web.shell.navigation import initials

register = template.Library()

COLOURS = 6


# A list shows these some hundreds of times: as templates they took most of its time. The same few
# come again and again.


@register.simple_tag
@lru_cache(maxsize=256)
def icon(name: str) -> SafeString:
    """A sign of the sprite, for the eye only."""
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>',
        static("icons/sprite.svg"),
        name,
    )


@register.simple_tag
@lru_cache(maxsize=256)
def status(state: str, label: str = "", sign: str = "", *, plain: bool = False) -> SafeString:
    """A status in colour, icon and word; ``state`` is Amazon's or "late", in any case."""
    key = state.lower()
    return format_html(
        '<span class="status status--{}{}">{}{}</span>',
        key,
        " status--plain" if plain else "",
        icon(sign or f"status-{key}"),
        label or key,
    )


@register.simple_tag
def avatar(
    initials: str, name: str, colour: int = 1, *, large: bool = False, label: bool = True
) -> SafeString:
    """A person's initials; without ``label`` where the name stands beside them."""
    named = format_html('role="img" aria-label="{0}" title="{0}"', name)
    return format_html(
        '<span class="avatar avatar--{}{}" {}>{}</span>',
        colour or 1,
        " avatar--large" if large else "",
        named if label else SafeString('aria-hidden="true"'),
        initials,
    )


@register.simple_tag
@lru_cache(maxsize=1024)
def avatars(names: str, *, label: bool = True) -> SafeString:
    """The technicians' names, as the mirror keeps them, as their initials."""
    faces = (
        avatar(initials(name), name, colour_of(name), label=label)
        for name in names.split(", ")
        if name
    )
    return format_html('<span class="avatars">{}</span>', SafeString("".join(faces)))


_ROW = """<tr class="row" role="row" id="job-{row}" data-row>
<td class="row__cell--when" role="cell">{when}</td>
<td class="row__cell--job" role="cell"><a class="row__link" id="open-{row}" href="{url}">{title}</a> <code class="row__copy" title="{job_id}">{job_id}</code></td>
<td class="row__cell--status" role="cell">{status}</td>
<td class="row__cell--people" role="cell">{people}</td>
<td class="row__cell--place" role="cell">{place}</td>
<td class="row__cell--clock" role="cell">{clock}</td>
</tr>"""  # noqa: E501
_NONE = SafeString('<span class="muted">—</span>')
_NOBODY = SafeString('<span class="caution">nobody assigned</span>')


@register.simple_tag(takes_context=True)
def job_row(context: dict[str, Any], job: ServiceJob) -> SafeString:
    """A job in the list."""
    state = clock.state(job, context["now"])
    return format_html(
        _ROW,
        row=job.pk,
        when=appointment_time(context, job),
        url=_job_url(job.service_job_id),
        title=job.title or "Untitled job",
        job_id=job.service_job_id,
        status=status(state.slug, state.label),
        people=_people(job),
        place=_place(job),
        clock=_remark(job, context["now"]),
    )


@lru_cache(maxsize=4096)
def _job_url(service_job_id: str) -> str:
    return reverse("job", args=[service_job_id])


def _people(job: ServiceJob) -> SafeString:
    """Who comes, or that somebody should."""
    if job.technician_names:
        return avatars(job.technician_names)
    return _NOBODY if job.appointment_status == Appointment.Status.ACTIVE else _NONE


def _place(job: ServiceJob) -> str:
    """City and state, as far as they are known."""
    return ", ".join(filter(None, (job.city, job.state_or_region))) if job.city else _NONE


def _remark(job: ServiceJob, now: dt.datetime) -> str:
    """The most urgent thing that the clock has to say."""
    remark = clock.remark(job, now)
    return (
        format_html('<span class="{}">{}</span>', remark.tone, remark.text) if remark.text else ""
    )


@register.simple_tag(takes_context=True)
def appointment_time(context: dict[str, Any], job: ServiceJob) -> str | SafeString:
    """The job's appointment where the job is; the reader's own time in the tooltip."""
    if job.scheduled_start is None:
        return "—"
    return _time(context, job.scheduled_start, job.scheduled_end, job)


@register.simple_tag(takes_context=True)
def visit_time(context: dict[str, Any], visit: Appointment, job: ServiceJob) -> str | SafeString:
    """One appointment of a job, current or replaced."""
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


@lru_cache(maxsize=4096)
def _time_in(
    start: dt.datetime, end: dt.datetime | None, zone: ZoneInfo, today: dt.date, own: str
) -> SafeString:
    """A window in a zone; in the tooltip, the day, or the time in the reader's own zone."""
    local = start.astimezone(zone)
    return format_html(
        '<time class="row__when" datetime="{}" title="{}">{} {}'
        ' <span class="zone">{}</span></time>',
        local.isoformat(),
        _for_reader(start, end, local, own),
        clock.day_name(local.date(), today),
        clock.window(start, end, zone),
        clock.zone_names(start, end, zone),
    )


def _for_reader(start: dt.datetime, end: dt.datetime | None, local: dt.datetime, own: str) -> str:
    zone = clock.named_zone(own) if own else local.tzinfo
    mine = start.astimezone(zone)
    if mine.utcoffset() == local.utcoffset() or not isinstance(zone, ZoneInfo):
        return f"{local:%A} {local.day} {local:%B %Y}"
    times = clock.window(start, end, zone)
    return f"{mine:%a} {mine.day} {mine:%b}, {times} {mine.tzname()}, your time"


@register.simple_tag(takes_context=True)
def job_moment(context: dict[str, Any], moment: dt.datetime | None, job: ServiceJob) -> str:
    """A moment where the job is: "18 Nov, 16:20 EST"."""
    if moment is None:
        return "—"
    local = moment.astimezone(clock.zone_of(job))
    year = f" {local.year}" if local.year != context["now"].year else ""
    return f"{local.day} {local:%b}{year}, {clock.clock_time(local)} {local.tzname()}"


@register.filter
def slot_times(slot: Slot, job: ServiceJob) -> str:
    """A slot's window, with the zone's names where the clock alone does not tell."""
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
    """A buyer's preferred time: "Wed 26 November, 8:00–12:00"."""
    start, end = (wish.start, wish.end) if isinstance(wish, Slot) else wish
    zone = clock.zone_of(job)
    day = start.astimezone(zone)
    return f"{day:%a} {day.day} {day:%B}, {clock.window(start, end, zone)}"


@register.filter
def plain_words(code: str) -> str:
    """Amazon's capitals as words: "TV mounting" stays, "TV_MOUNTING" becomes "Tv mounting"."""
    return code.replace("_", " ").capitalize() if code.isupper() else code


@register.filter
def product_name(item: AssociatedItem) -> str:
    """The product's title, with the brand where the title does not begin with it."""
    if item.title.casefold().startswith(item.brand.casefold()):
        return item.title or "Product"
    return f"{item.brand} {item.title}".strip()


@register.filter
def zone_name(job: ServiceJob, moment: dt.datetime | None = None) -> str:
    """The abbreviation of the job's zone at its appointment, or at a moment."""
    at = job.scheduled_start or moment
    return (at.astimezone(clock.zone_of(job)).tzname() or "") if at else job.time_zone


@register.filter
def face(name: str) -> dict[str, Any]:
    """Initials and a colour that stays with the name."""
    return {"initials": initials(name), "colour": colour_of(name)}


def colour_of(name: str) -> int:
    return sum(map(ord, name)) % COLOURS + 1


_TONES = {
    Action.State.ACCEPTED: "accepted",
    Action.State.WARNED: "warning",
    Action.State.REFUSED: "refused",
}


@register.filter
def tone(action: Action) -> str:
    """The kind of notice or timeline entry an action is."""
    return _TONES.get(action.state, "unknown")  # type: ignore[call-overload,no-any-return]


_DONE = {
    Action.Kind.ADD_APPOINTMENT: "Appointment added",
    Action.Kind.RESCHEDULE: "Rescheduled",
    Action.Kind.ASSIGN: "Technicians assigned",
    Action.Kind.COMPLETE: "Completed",
    Action.Kind.CANCEL: "Cancelled",
}


@register.filter
def happened(action: Action) -> str:
    """What an action did or tried: "Rescheduled", "Reschedule refused"."""
    kind = Action.Kind(action.kind)
    if action.accepted:
        return _DONE.get(kind, str(kind.label))
    if action.state == Action.State.REFUSED:
        return f"{kind.label} refused"
    return f"{kind.label} not confirmed yet"


@register.filter
def said(action: Action) -> str:
    """What Amazon said of an action, in its own words."""
    words = action.warnings if action.state == Action.State.WARNED else action.errors
    return " · ".join(str(word.get("message") or word.get("code") or "") for word in words)


@register.simple_tag
def asked(action: Action, job: ServiceJob) -> str:
    """What an action asked for: the time, the reason, the people."""
    parts = []
    start = action.payload.get("appointmentTime", {}).get("startTime")
    if start:
        zone = clock.zone_of(job)
        local = dt.datetime.fromisoformat(start).astimezone(zone)
        parts.append(f"to {local:%a} {local.day} {local:%b} {clock.clock_time(local)}")
    codes = ("rescheduleReasonCode", "cancellationReasonCode")
    parts += [f"reason {action.payload[name]}" for name in codes if name in action.payload]
    return " · ".join(parts)
