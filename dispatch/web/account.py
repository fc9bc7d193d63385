"""How people log in, and what they set for themselves."""

from __future__ import annotations

import zoneinfo
from typing import TYPE_CHECKING

from allauth.account.adapter import DefaultAccountAdapter
from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST

from dispatch.models import Person
from dispatch.services import activity
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
    # Not `redirect()`: it would look for a view of that name.
    return HttpResponseRedirect(target)


if TYPE_CHECKING:
    _PersonForm = forms.ModelForm[Person]
else:
    _PersonForm = forms.ModelForm


class SettingsForm(_PersonForm):
    """What a person sets for themselves."""

    class Meta:
        model = Person
        fields = ("name", "time_zone", "theme", "shortcuts")
        help_texts = {
            "time_zone": "Shown in the tooltip of a time that is elsewhere, such as Europe/Berlin.",
            "shortcuts": "Single keys such as J, K and /.",
        }

    def clean_time_zone(self) -> str:
        name: str = self.cleaned_data["time_zone"]
        if name and name not in zoneinfo.available_timezones():
            raise forms.ValidationError("There is no such time zone. Try Europe/Berlin.")
        return name


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def settings(request: PersonRequest) -> HttpResponse:
    """Name, time zone, theme and keys."""
    form = SettingsForm(request.POST if request.method == "POST" else None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            form.save()
            if form.changed_data:
                activity.record(activity.Kind.SETTINGS_CHANGED, fields=form.changed_data)
        messages.success(request, "Saved.")
        return redirect("account_settings")
    status = 422 if form.is_bound else 200
    return render(request, "account/settings.html", {"form": form}, status=status)
