"""Sessions: one's own, listed and ended; an owner ends those of their seller's people."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dispatch.models import Person
from dispatch.selectors.sessions import sessions_of
from dispatch.services.access import lockout, sessions
from dispatch.services.access.sessions import Why
from dispatch.web.people.views import get_membership
from dispatch.web.shell.guards import PersonRequest
from dispatch.web.shell.tasks import Task, leave_task, show_task


@login_required
@require_GET
def own(request: PersonRequest) -> HttpResponse:
    """Where one is logged in."""
    shown = sessions_of(request.user, request.session.session_key)
    return render(request, "account/sessions.html", {"sessions": shown})


@login_required
@require_POST
def end_one(request: PersonRequest, session_id: int) -> HttpResponse:
    """End one of one's own sessions; ending this one is logging out."""
    if not sessions.end(person=request.user, why=Why.BY_THEMSELVES, only=session_id):
        raise Http404("No such session.")
    messages.success(request, gettext("The session is ended."))
    return redirect("sessions")


@login_required
@require_POST
def end_others(request: PersonRequest) -> HttpResponse:
    """End all of one's own sessions but this one."""
    ended = sessions.end(
        person=request.user, why=Why.BY_THEMSELVES, but=request.session.session_key
    )
    words = ngettext("%(count)s session ended.", "%(count)s sessions ended.", ended)
    messages.success(request, words % {"count": ended} if ended else gettext("No sessions ended."))
    return redirect("sessions")


@login_required
@require_http_methods(["GET", "POST"])
def end_all(request: PersonRequest, membership_id: int) -> HttpResponse:
    """Ask once more, then log a person out everywhere."""
    membership = get_membership(request, membership_id)
    person = membership.person
    if request.method == "POST":
        ended = sessions.end(person=person, why=Why.BY_AN_OWNER, seller=membership.seller)
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
    """Let a person try again whose log-ins failed too often."""
    membership = get_membership(request, membership_id)
    person = membership.person
    lockout.lift_by_owner(person=person, seller=membership.seller)
    messages.success(request, gettext("%(name)s can log in again.") % {"name": person})
    return redirect("people")


def _logged_out(person: Person, ended: int) -> str:
    """Say that a person is logged out everywhere, and how many sessions that ended."""
    if not ended:
        return gettext("%(name)s is logged out: no sessions ended.") % {"name": person}
    words = ngettext(
        "%(name)s is logged out: %(count)s session ended.",
        "%(name)s is logged out: %(count)s sessions ended.",
        ended,
    )
    return words % {"name": person, "count": ended}


urlpatterns = [
    path("<int:membership_id>/sessions/end/", end_all, name="person_sessions_end"),
    path("<int:membership_id>/lift/", lift, name="person_lift"),
]
