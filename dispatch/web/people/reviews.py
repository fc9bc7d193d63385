"""The page of the access review: an owner keeps or removes everybody of a seller, and signs."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from dispatch.models import ReviewedAccess, Seller
from dispatch.selectors.reviews import (
    Access,
    access_of_everybody,
    review_for,
    review_is_due,
    reviews_of,
)
from dispatch.services.access import reviews
from dispatch.services.errors import CannotBeDone
from dispatch.web.shell.files import csv_file
from dispatch.web.shell.guards import PersonRequest, get_seller

Decision = ReviewedAccess.Decision


class ReviewForm(forms.Form):
    """Asks for a decision on each person, and for the signature."""

    signed = forms.BooleanField(
        label=_("I looked at everybody on this page."),
        error_messages={"required": _("Tick this to sign.")},
    )

    def __init__(self, everybody: list[Access], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.everybody = everybody
        for access in everybody:
            self.fields[f"decision_{access.membership.pk}"] = forms.ChoiceField(
                label=str(access.membership.person),
                choices=Decision.choices,
                widget=forms.RadioSelect,
                error_messages={"required": _("Keep or remove?")},
            )

    @property
    def rows(self) -> list[tuple[Access, forms.BoundField]]:
        return [(one, self[f"decision_{one.membership.pk}"]) for one in self.everybody]

    @property
    def decisions(self) -> dict[int, Decision]:
        return {
            one.membership.pk: Decision(self.cleaned_data[f"decision_{one.membership.pk}"])
            for one in self.everybody
        }


@login_required
@require_http_methods(["GET", "POST"])
def review(request: PersonRequest, seller_id: uuid.UUID) -> HttpResponse:
    """Show everybody of a seller, and keep the signed review."""
    seller = get_seller(request, seller_id)
    form = ReviewForm(
        access_of_everybody(seller), request.POST if request.method == "POST" else None
    )
    if form.is_valid():
        try:
            reviews.sign(
                seller=seller,
                reviewer=request.user,
                everybody=form.everybody,
                decisions=form.decisions,
            )
        except CannotBeDone as refusal:
            form.add_error(None, str(refusal))
        else:
            words = gettext("The access review of %(seller)s is signed.")
            messages.success(request, words % {"seller": seller})
            return redirect("people")
    context = {"form": form, **_so_far(seller)}
    return render(request, "people/review.html", context, status=422 if form.is_bound else 200)


def _so_far(seller: Seller) -> dict[str, Any]:
    signed = list(reviews_of(seller)[:20])
    last = signed[0].signed_at if signed else None
    return {"seller": seller, "reviews": signed, "due": review_is_due(last)}


@login_required
@require_safe
def export(request: PersonRequest, review_id: int) -> HttpResponseBase:
    """Answer a signed review as a CSV file."""
    signed = review_for(request.user, review_id)
    if signed is None:
        raise Http404("No such review.")
    rows = reviews.rows(signed, person=request.user)
    return csv_file(request, rows, f"access-review-{signed.signed_at:%Y-%m-%d}.csv")
