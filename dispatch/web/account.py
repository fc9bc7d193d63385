"""How people log in, and what they set for themselves."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from dispatch.models import Person
from dispatch.web.guards import PersonRequest


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]
    """People are invited by an owner; nobody signs up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


@require_POST
@login_required
def set_theme(request: PersonRequest) -> HttpResponse:
    """Keep the chosen theme and go back to the page it was chosen on."""
    theme = request.POST.get("theme", "")
    if theme in Person.Theme.values:
        Person.objects.filter(pk=request.user.pk).update(theme=theme)
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}):
        target = "/"
    return redirect(target)
