"""Saved views: a filter of the list under a name, private or shared with a seller's people."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from dispatch.selectors.access import DISPATCHES, sellers_for
from dispatch.services import saved_views
from dispatch.web.shell.guards import PersonRequest

LONGEST_QUERY = 2000


class SaveForm(forms.Form):
    """A name for the filter in the address, and whether others see it."""

    name = forms.CharField(max_length=60, strip=True)
    query = forms.CharField(max_length=LONGEST_QUERY, required=False)
    shared = forms.BooleanField(required=False)


@require_POST
@login_required
def save(request: PersonRequest) -> HttpResponse:
    """Keep the list's present filter under a name; the same name is replaced."""
    form = SaveForm(request.POST)
    if not form.is_valid():
        messages.error(request, gettext("Give the view a name of at most 60 characters."))
        return redirect("jobs")
    query = QueryDict(form.cleaned_data["query"], mutable=True)
    query.pop("page", None)
    if len(query.urlencode()) > LONGEST_QUERY:
        messages.error(request, gettext("This filter is too long to save."))
        return redirect("jobs")
    seller = sellers_for(request.user, DISPATCHES).first() if form.cleaned_data["shared"] else None
    saved_views.save(
        person=request.user,
        name=form.cleaned_data["name"],
        query=query.urlencode(),
        seller=seller,
    )
    words = gettext("Saved as “%(name)s”.") % {"name": form.cleaned_data["name"]}
    messages.success(request, words)
    return redirect(f"/jobs/?{query.urlencode()}")


@require_POST
@login_required
def delete(request: PersonRequest, view_id: int) -> HttpResponse:
    """Forget one of this person's own views."""
    if not saved_views.delete(person=request.user, view_id=view_id):
        raise Http404("No such view.")
    return redirect("jobs")
