"""Tells a write in words: what was asked for, what became of it, what Amazon said."""

from __future__ import annotations

from collections.abc import Iterable

from django import template
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from dispatch.models import Action, ServiceJob
from dispatch.services.writes.kinds import kind_of
from dispatch.services.writes.ledger import words_of
from dispatch.web.shell import clock
from dispatch.web.shell.tags import plain_words

register = template.Library()

_TONES = {
    Action.State.ACCEPTED: "accepted",
    Action.State.WARNED: "warning",
    Action.State.REFUSED: "refused",
}


@register.filter
def tone(action: Action) -> str:
    """Return the kind of notice, or of entry in the history, that a write is."""
    return _TONES.get(Action.State(action.state), "unknown")


@register.filter
def happened(action: Action) -> str:
    """Return what a write did or tried: "Rescheduled", "Reschedule refused"."""
    kind = kind_of(action.kind)
    if action.accepted:
        return str(kind.done)
    write = {"write": kind.label}
    if action.state == Action.State.REFUSED:
        return _("%(write)s refused") % write
    if action.stopped_by_id is not None:
        return _("%(write)s stopped") % write
    if action.waits:
        return _("%(write)s waiting for its turn") % write
    return _("%(write)s not confirmed yet") % write


@register.filter
def said(action: Action) -> str:
    """Return what Amazon said of a write, in its own words."""
    words = action.warnings if action.state == Action.State.WARNED else action.errors
    return " · ".join(map(words_of, words))


@register.simple_tag
def asked(action: Action, job: ServiceJob) -> str:
    """Return the moment and the reason that a write asked for, the moment where the job is."""
    what = kind_of(action.kind).asked(action.payload)
    parts = []
    if what.start:
        local = what.start.astimezone(clock.zone_of(job))
        when = f"{date_format(local, 'D j M')} {clock.clock_time(local)}"
        parts.append(_("to %(when)s") % {"when": when})
    if what.reason:
        parts.append(_("reason %(code)s") % {"code": what.reason})
    return " · ".join(parts)


@register.filter
def skill_names(skills: Iterable[str]) -> str:
    """Return skills as words, in the middle of a sentence: "tv mounting, assembly"."""
    return ", ".join(plain_words(skill).lower() for skill in skills)


def announcement(action: Action) -> str:
    """Return what a screen reader is told after a write: "Rescheduled: accepted."."""
    kind = kind_of(action.kind)
    write = kind.done if action.accepted else kind.label
    words = {"write": write, "state": action.get_state_display().lower()}
    return _("%(write)s: %(state)s.") % words
