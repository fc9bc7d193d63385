"""Authorising at Amazon: to Seller Central's consent page and back, begun here or there.

Source: Amazon's page "Website authorization workflow". The addresses carry a state or a code, so
no answer that leaves this site names them as its referrer.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from csp.decorators import csp_update
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core import signing
from django.core.cache import cache
from django.core.validators import RegexValidator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dispatch.models import Person, Seller
from dispatch.selectors.sellers import held_credentials, owned_by
from dispatch.services import sellers
from dispatch.services.errors import CannotBeDone
from dispatch.spapi import SELLER_CENTRAL
from dispatch.web.shell.guards import PersonRequest, get_seller

P = ParamSpec("P")
STATE_SECONDS = 600
CONSENT_PATH = "/apps/authorize/consent"
VERDICT = "connection verdict"
_SALT = "dispatch consent"
# Amazon's own links name the shop's host or Seller Central's; both forms of each we know.
AMAZON_HOSTS = frozenset(SELLER_CENTRAL.values()) | {
    host.split(".", 1)[1] for host in SELLER_CENTRAL.values()
}


def no_referrer(view: Callable[P, HttpResponse]) -> Callable[P, HttpResponse]:
    """Leave these addresses out of what the next site is told.

    Only for answers that hold no form: without a referrer browsers send ``Origin: null``, which
    the guard against forged requests refuses.
    """

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        response = view(*args, **kwargs)
        response["Referrer-Policy"] = "no-referrer"
        return response

    return guarded


def allow_form_to(request: HttpRequest, response: HttpResponse, address: str) -> HttpResponse:
    """Let a form on this page end at ``address``: browsers check where redirects lead."""
    allowed = csp_update({"form-action": [origin_of(address)]})(lambda _: response)(request)
    assert isinstance(allowed, HttpResponse)
    return allowed


def origin_of(address: str) -> str:
    """Return the scheme and host of an address."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def consent_page(seller: Seller) -> str | None:
    """Return where the seller consents; None where the marketplace's page is not known."""
    host = seller.marketplace.seller_central
    base: str = settings.SP_API_CONSENT_URL or (f"https://{host}" if host else "")
    if not base:
        return None
    return base if urlsplit(base).path.strip("/") else base.rstrip("/") + CONSENT_PATH


def obstacle(seller: Seller) -> str:
    """Return why the seller cannot authorise at Amazon yet, in plain words; "" if it can."""
    held = held_credentials(seller)
    if not {"client_id", "client_secret"} <= held or not seller.application_id:
        return gettext(
            "Enter the application id, client id and client secret to authorise at Amazon."
        )
    if consent_page(seller) is None:
        return gettext(
            "Amazon has no consent page for this marketplace here. Paste a refresh token."
        )
    return ""


@no_referrer
@login_required
@require_POST
def authorise(request: PersonRequest, seller_id: uuid.UUID) -> HttpResponse:
    """Send the owner to Amazon's consent page."""
    seller = get_seller(request, seller_id)
    page = consent_page(seller)
    if page is None or obstacle(seller):
        messages.error(request, obstacle(seller))
        return redirect("seller", seller.pk)
    question = {
        "application_id": seller.application_id,
        "state": make_state(request.user, seller),
        "redirect_uri": _callback_address(request),
    }
    return redirect(with_query(page, question))


@no_referrer
@login_required
@require_GET
def callback(request: PersonRequest) -> HttpResponse:
    """Take Amazon's answer: check that it is ours, exchange the code, test, begin to fetch."""
    seller_id = spend_state(request.GET.get("state", ""), request.user)
    if seller_id is None:
        messages.error(
            request,
            gettext(
                "This authorisation is not one you began here in the last ten minutes, or it was "
                "used already. Nothing was changed. Press Authorise at Amazon to begin again."
            ),
        )
        return redirect("sellers")
    seller = get_seller(request, seller_id)
    keep_verdict(request, seller, _settle(request, seller))
    return redirect("seller", seller.pk)


def _settle(request: PersonRequest, seller: Seller) -> sellers.Verdict:
    answer = ConsentAnswer(request.GET)
    if not answer.is_valid():
        said = " ".join(
            filter(None, (_shown(request, "error"), _shown(request, "error_description")))
        )
        return sellers.Verdict(
            False, gettext("Amazon gave no authorisation: it was cancelled or refused there."), said
        )
    try:
        return sellers.authorise(
            seller=seller,
            code=answer.cleaned_data["spapi_oauth_code"],
            redirect_uri=_callback_address(request),
            selling_partner_id=answer.cleaned_data["selling_partner_id"],
        )
    except CannotBeDone as refusal:
        return sellers.Verdict(False, str(refusal))


@login_required
@require_http_methods(["GET", "POST"])
def login(request: PersonRequest) -> HttpResponse:
    """Ask for which seller Amazon's app store has opened us, and go back there."""
    source = request.POST if request.method == "POST" else request.GET
    address = amazon_address(source.get("amazon_callback_uri", ""))
    if address is None or not source.get("amazon_state"):
        raise Http404("Not a link of Amazon's.")
    form = AmazonLogin(request.user, request.POST or None, initial=source.dict())
    if form.is_valid():
        return _back_to_amazon(request, address, form)
    response = render(
        request,
        "sellers/login.html",
        {"form": form, "host": urlsplit(address).hostname},
        status=422 if form.is_bound else 200,
    )
    return allow_form_to(request, response, address)


def _back_to_amazon(request: PersonRequest, address: str, form: AmazonLogin) -> HttpResponse:
    answer = {
        "amazon_state": form.cleaned_data["amazon_state"],
        "state": make_state(request.user, form.cleaned_data["seller"]),
        "redirect_uri": _callback_address(request),
    }
    if form.cleaned_data["version"]:
        answer["version"] = "beta"
    response = redirect(with_query(address, answer))
    response["Referrer-Policy"] = "no-referrer"
    return response


class ConsentAnswer(forms.Form):
    """What Amazon's consent page sends back."""

    spapi_oauth_code = forms.CharField(max_length=500, validators=[RegexValidator(r"^[!-~]+$")])
    selling_partner_id = forms.CharField(
        max_length=50, required=False, validators=[RegexValidator(r"^[A-Za-z0-9]+$")]
    )


class AmazonLogin(forms.Form):
    """For which seller Amazon's app store asks."""

    seller = forms.ModelChoiceField(
        Seller.objects.none(), label=_("Seller"), widget=forms.RadioSelect, empty_label=None
    )
    amazon_callback_uri = forms.CharField(max_length=2000, widget=forms.HiddenInput)
    amazon_state = forms.CharField(max_length=2000, widget=forms.HiddenInput)
    version = forms.CharField(max_length=10, required=False, widget=forms.HiddenInput)

    def __init__(self, person: Person, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        field = self.fields["seller"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = owned_by(person).exclude(client_secret="")


def amazon_address(text: str) -> str | None:
    """Return the address, rebuilt from its parts, if it is a consent page's; else None."""
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname
    except ValueError:
        return None
    plain = text.isascii() and text.isprintable() and not {"\\", "@"} & set(parts.netloc)
    ours = settings.SP_API_CONSENT_URL and origin_of(text) == origin_of(settings.SP_API_CONSENT_URL)
    amazons = parts.scheme == "https" and port is None and host in AMAZON_HOSTS
    if not plain or not (ours or amazons):
        return None
    return urlunsplit((parts.scheme, parts.netloc, parts.path, parts.query, ""))


def with_query(address: str, more: dict[str, str]) -> str:
    """Return the address with these parameters, each once."""
    parts = urlsplit(address)
    kept = [(name, value) for name, value in parse_qsl(parts.query) if name not in more]
    query = urlencode([*kept, *more.items()])
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


def make_state(person: Person, seller: Seller) -> str:
    """Return a signed word that only this person can bring back, for this seller, once."""
    return signing.dumps([person.pk, str(seller.pk), secrets.token_urlsafe(16)], salt=_SALT)


def spend_state(state: str, person: Person) -> uuid.UUID | None:
    """Return whose state it is; None if it is not ours, too old, another person's or used."""
    try:
        person_id, seller_id, once = signing.loads(state, salt=_SALT, max_age=STATE_SECONDS)
    except signing.BadSignature:
        return None
    if person_id != person.pk or not cache.add(f"consent.{once}", 1, STATE_SECONDS):
        return None
    return uuid.UUID(seller_id)


def keep_verdict(request: HttpRequest, seller: Seller, verdict: sellers.Verdict) -> None:
    """Keep what Amazon said for the next page."""
    request.session[VERDICT] = {
        "seller": str(seller.pk),
        "kind": "accepted" if verdict.ok else "refused",
        "title": verdict.words,
        "detail": verdict.detail,
        "request_id": verdict.request_id,
    }


def _callback_address(request: HttpRequest) -> str:
    return request.build_absolute_uri(reverse("seller_callback"))


def _shown(request: HttpRequest, name: str) -> str:
    return "".join(c for c in request.GET.get(name, "")[:200] if c.isprintable())
