"""The banner that owners and auditors see on every page, until an owner has looked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from dispatch.models import Person
from dispatch.selectors.access import Role
from dispatch.selectors.alarms import acknowledgeable, open_for
from dispatch.services.audit import alarm_words, alarms
from dispatch.web.shell.guards import PersonRequest

MOST = 5
"""More at once would push the page out of sight; the others follow."""


@dataclass(frozen=True, slots=True)
class Banner:
    """An alarm in words; ``pk`` is None where this person may not say that they have looked."""

    title: str
    text: str
    pk: int | None


def context(request: HttpRequest) -> dict[str, Any]:
    """Return the alarms for templates; they are read only by pages that show the banner."""
    person = getattr(request, "user", None)
    return {"alarms": lambda: _banners(person)} if isinstance(person, Person) else {}


def _banners(person: Person) -> list[Banner]:
    shown = list(open_for(person)[:MOST])
    if not shown:
        return []
    own = set(open_for(person, (Role.OWNER,)).values_list("pk", flat=True))
    return [
        Banner(alarm_words.title(one), alarm_words.text(one), one.pk if one.pk in own else None)
        for one in shown
    ]


@require_POST
@login_required
def acknowledge(request: PersonRequest, alarm_id: int) -> HttpResponse:
    """Note that an owner has looked, and take the banner away for everybody."""
    alarm = acknowledgeable(request.user, alarm_id)
    if alarm is None:
        raise Http404("No such alarm.")
    alarms.acknowledge(alarm=alarm, person=request.user, now=timezone.now())
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}):
        target = "/activity/"
    return HttpResponseRedirect(target)
