"""Sellers: connect, test, authorise, disconnect, and what each has agreed with Amazon."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dispatch.models import ReasonCode, Seller
from dispatch.selectors.sellers import (
    CREDENTIALS,
    card_of,
    cards_for,
    certificates,
    erased_on,
    held_credentials,
    reason_of,
    reasons_of,
)
from dispatch.services import reason_codes, sellers
from dispatch.services.errors import CannotBeDone
from dispatch.services.writes import rights
from dispatch.web.sellers import consent
from dispatch.web.sellers.forms import (
    DescriptionForm,
    MoveForm,
    ReasonForm,
    SellerForm,
    SwitchesForm,
)
from dispatch.web.shell.dialogs import Task, leave_task, show_task
from dispatch.web.shell.guards import PersonRequest, get_seller, require_owner


@login_required
@require_GET
def index(request: PersonRequest) -> HttpResponse:
    """Show all sellers of this person."""
    require_owner(request)
    return render(request, "sellers/index.html", {"cards": cards_for(request.user)})


@login_required
@require_http_methods(["GET", "POST"])
def connect(request: PersonRequest) -> HttpResponse:
    """Connect a seller account, then test it at once."""
    require_owner(request)
    zone = request.user.time_zone or "UTC"
    form = SellerForm(request.POST or None, initial={"time_zone": zone})
    if form.is_valid():
        seller = sellers.connect(
            owner=request.user, details=form.details(), credentials=form.credentials()
        )
        return _tested(request, seller)
    return _show_form(request, form)


@login_required
@require_http_methods(["GET", "POST"])
def edit(request: PersonRequest, seller_id: uuid.UUID) -> HttpResponse:
    """Change details, or replace credentials: an empty field keeps what there is."""
    seller = get_seller(request, seller_id)
    form = SellerForm(request.POST or None, seller=seller)
    if form.is_valid():
        sellers.change(seller=seller, details=form.details(), credentials=form.credentials())
        return _tested(request, seller)
    return _show_form(request, form, seller)


def _show_form(
    request: PersonRequest, form: SellerForm, seller: Seller | None = None
) -> HttpResponse:
    held = held_credentials(seller) if seller else frozenset()
    context = {"form": form, "seller": seller, "held": held}
    return render(request, "sellers/form.html", context, status=422 if form.is_bound else 200)


def _tested(request: PersonRequest, seller: Seller) -> HttpResponse:
    """Test the connection if its credentials are complete, and go to the seller's page."""
    if held_credentials(seller) >= set(CREDENTIALS):
        consent.keep_verdict(request, seller, sellers.check_connection(seller=seller))
    else:
        messages.info(request, gettext("%(name)s is saved.") % {"name": seller.name})
    return redirect("seller", seller.pk)


@login_required
@require_GET
def detail(request: PersonRequest, seller_id: uuid.UUID) -> HttpResponse:
    """Show everything about one seller account."""
    seller = get_seller(request, seller_id)
    context = _connection(request, seller) | {
        "switches": SwitchesForm(initial={"writes": rights.switched_on(seller)}),
        "reason_lists": [_reason_list(seller, kind) for kind in ReasonCode.Kind],
        "erased_on": erased_on(seller),
        "certificates": certificates(seller),
    }
    response = render(request, "sellers/detail.html", context)
    page = consent.consent_page(seller)
    return consent.allow_form_to(request, response, page) if page else response


def _connection(request: HttpRequest, seller: Seller) -> dict[str, object]:
    kept = request.session.get(consent.VERDICT)
    verdict = kept if kept and kept["seller"] == str(seller.pk) else None
    if verdict:
        del request.session[consent.VERDICT]
    return {
        "seller": seller,
        "card": card_of(seller),
        "held": held_credentials(seller),
        "obstacle": consent.obstacle(seller),
        "verdict": verdict,
    }


@login_required
@require_GET
def progress(request: PersonRequest, seller_id: uuid.UUID) -> HttpResponse:
    """Show how far the seller's jobs are loaded; the page asks again while they are."""
    card = card_of(get_seller(request, seller_id))
    return render(request, "sellers/progress.html", {"card": card})


@login_required
@require_POST
def check(request: PersonRequest, seller_id: uuid.UUID) -> HttpResponse:
    """Test the connection: ask Amazon for one job and say what came of it."""
    seller = get_seller(request, seller_id)
    consent.keep_verdict(request, seller, sellers.check_connection(seller=seller))
    if request.htmx:
        return render(request, "sellers/connection.html", _connection(request, seller))
    return redirect("seller", seller.pk)


@login_required
@require_http_methods(["GET", "POST"])
def disconnect(request: PersonRequest, seller_id: uuid.UUID) -> HttpResponse:
    """Ask once more, then erase the credentials."""
    seller = get_seller(request, seller_id)
    back = reverse("seller", args=[seller.pk])
    if request.method == "POST":
        sellers.disconnect(seller=seller)
        words = gettext("%(name)s is disconnected. Its credentials are erased.")
        messages.success(request, words % {"name": seller.name})
        return leave_task(request, back)
    lead = gettext(
        "The client id, client secret and refresh token are erased here, and no jobs are fetched "
        "any more. Jobs fetched so far stay. To end the authorisation at Amazon too, remove the "
        "application in Seller Central under Manage your apps."
    )
    title = gettext("Disconnect %(name)s?") % {"name": seller.name}
    return show_task(request, Task(title, gettext("Disconnect"), back, lead, True))


@login_required
@require_POST
def switch(request: PersonRequest, seller_id: uuid.UUID) -> HttpResponse:
    """Keep which writes the seller has agreed with Amazon."""
    seller = get_seller(request, seller_id)
    form = SwitchesForm(request.POST)
    if form.is_valid():
        sellers.switch(seller=seller, on=form.cleaned_data["writes"])
        messages.success(request, gettext("The switches are saved."))
    else:
        words = gettext("The switches were not saved: choose among those shown.")
        messages.error(request, words)
    return redirect(reverse("seller", args=[seller.pk]) + "#switches")


@login_required
@require_POST
def add_reason(request: PersonRequest, seller_id: uuid.UUID, kind: str) -> HttpResponse:
    """Add a reason code to one of the two lists."""
    seller, listed = get_seller(request, seller_id), _kind(kind)
    form = ReasonForm(request.POST, prefix=kind)
    if form.is_valid():
        try:
            reason_codes.add(seller=seller, kind=listed, **form.cleaned_data)
        except CannotBeDone as refusal:
            form.add_error("code", str(refusal))
        else:
            form = ReasonForm(prefix=kind)
    return _show_reasons(request, seller, listed, form)


@login_required
@require_POST
def move_reason(request: PersonRequest, seller_id: uuid.UUID, reason_id: int) -> HttpResponse:
    """Move a reason code up or down, or take it off the list."""
    seller = get_seller(request, seller_id)
    reason = _get_reason(seller, reason_id)
    form = MoveForm(request.POST)
    if not form.is_valid():
        raise Http404("No such direction.")
    if form.cleaned_data["to"] == "out":
        reason_codes.remove(reason=reason)
    else:
        reason_codes.move(reason=reason, up=form.cleaned_data["to"] == "up")
    return _show_reasons(
        request, seller, ReasonCode.Kind(reason.kind), ReasonForm(prefix=reason.kind)
    )


@login_required
@require_http_methods(["GET", "POST"])
def edit_reason(request: PersonRequest, seller_id: uuid.UUID, reason_id: int) -> HttpResponse:
    """Change what people read beside a reason code."""
    seller = get_seller(request, seller_id)
    reason = _get_reason(seller, reason_id)
    form = DescriptionForm(request.POST or None, initial={"description": reason.description})
    back = f"{reverse('seller', args=[seller.pk])}#reasons-{reason.kind}"
    if form.is_valid():
        reason_codes.describe(reason=reason, description=form.cleaned_data["description"])
        return leave_task(request, back)
    title = gettext("Reason code %(code)s") % {"code": reason.code}
    return show_task(request, Task(title, gettext("Save"), back), form)


def _show_reasons(
    request: PersonRequest, seller: Seller, kind: ReasonCode.Kind, form: ReasonForm
) -> HttpResponse:
    status = 422 if form.is_bound else 200
    reasons = _reason_list(seller, kind, form)
    if request.htmx:
        context = {"seller": seller, "list": reasons}
        return render(request, "sellers/reasons.html", context, status=status)
    if status == 200:
        return redirect(f"{reverse('seller', args=[seller.pk])}#reasons-{kind}")
    context = _connection(request, seller) | {
        "switches": SwitchesForm(initial={"writes": rights.switched_on(seller)}),
        "reason_lists": [
            reasons if k == kind else _reason_list(seller, k) for k in ReasonCode.Kind
        ],
    }
    return render(request, "sellers/detail.html", context, status=status)


def _reason_list(
    seller: Seller, kind: ReasonCode.Kind, form: ReasonForm | None = None
) -> dict[str, object]:
    return {
        "kind": kind,
        "reasons": reasons_of(seller, kind),
        "form": form or ReasonForm(prefix=kind),
    }


def _kind(kind: str) -> ReasonCode.Kind:
    if kind not in ReasonCode.Kind.values:
        raise Http404("No such list.")
    return ReasonCode.Kind(kind)


def _get_reason(seller: Seller, reason_id: int) -> ReasonCode:
    reason = reason_of(seller, reason_id)
    if reason is None:
        raise Http404("No such reason code.")
    return reason
