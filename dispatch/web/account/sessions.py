"""The pages of sessions: one's own to list and end, and an owner's to log a person out."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dispatch.models import Person
from dispatch.selectors.sessions import sessions_of
from dispatch.services.access import lockout, sessions
from dispatch.services.access.sessions import EndReason
from dispatch.web.people.views import get_membership
from dispatch.web.shell.dialogs import Task, leave_task, show_task
from dispatch.web.shell.guards import PersonRequest


@login_required
@require_GET
def own(request: PersonRequest) -> HttpResponse:
    """List where this person is logged in."""
    shown = sessions_of(request.user, request.session.session_key)
    return render(request, "account/sessions.html", {"sessions": shown})


@login_required
@require_POST
def end_one(request: PersonRequest, session_id: int) -> HttpResponse:
    """End one of this person's sessions; to end the one that asks is to log out."""
    if not sessions.end(person=request.user, why=EndReason.BY_THEMSELVES, only=session_id):
        raise Http404("No such session.")
    messages.success(request, gettext("The session has ended."))
    return redirect("sessions")


@login_required
@require_POST
def end_others(request: PersonRequest) -> HttpResponse:
    """End all of this person's sessions but the one that asks."""
    ended = sessions.end(
        person=request.user, why=EndReason.BY_THEMSELVES, but=request.session.session_key
    )
    words = ngettext("%(count)s session ended.", "%(count)s sessions ended.", ended)
    messages.success(request, words % {"count": ended} if ended else gettext("No sessions ended."))
    return redirect("sessions")


@login_required
@require_http_methods(["GET", "POST"])
def end_all(request: PersonRequest, membership_id: int) -> HttpResponse:
    """Ask the owner to confirm, then log a person of theirs out everywhere."""
    membership = get_membership(request, membership_id)
    person = membership.person
    if request.method == "POST":
        ended = sessions.end(person=person, why=EndReason.BY_AN_OWNER, seller=membership.seller)
        messages.success(request, _logged_out(person, ended))
        return leave_task(request, reverse("people"))
    shown = [one.device for one in sessions_of(person)]
    lead = gettext("They are not logged in now.")
    if shown:
        lead = gettext("Logged in now: %(devices)s.") % {"devices": ", ".join(shown)}
    title = gettext("Log %(name)s out everywhere?") % {"name": person}
    task = Task(title, gettext("Log out"), reverse("people"), lead, True)
    return show_task(request, task)


@login_required
@require_POST
def lift(request: PersonRequest, membership_id: int) -> HttpResponse:
    """Lift the lock of a person whose log-ins failed too often."""
    membership = get_membership(request, membership_id)
    person = membership.person
    lockout.lift_by_owner(person=person, seller=membership.seller)
    messages.success(request, gettext("%(name)s can log in again.") % {"name": person})
    return redirect("people")


def _logged_out(person: Person, ended: int) -> str:
    """Return the sentence that says how many sessions of a person were ended."""
    if not ended:
        return gettext("%(name)s is logged out: no sessions ended.") % {"name": person}
    words = ngettext(
        "%(name)s is logged out: %(count)s session ended.",
        "%(name)s is logged out: %(count)s sessions ended.",
        ended,
    )
    return words % {"name": person, "count": ended}
