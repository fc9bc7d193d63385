"""Seller accounts: connecting, testing and disconnecting them, and their switches."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext, override
from django.utils.translation import gettext_lazy as _

from dispatch.models import Membership, Person, Seller, SyncJob
from dispatch.services.amazon.client import FAULTS, note_state, open_client, state_after
from dispatch.services.amazon.words import in_words
from dispatch.services.audit import activity
from dispatch.services.errors import CannotBeDone
from dispatch.services.mirror import sync, tasks
from dispatch.services.writes.kinds import KINDS
from dispatch.spapi import (
    AccessTokenClient,
    AuthorizationError,
    LocalTokenCache,
    MissingCredentials,
    SellingApiBadRequestException,
    SellingApiException,
    SellingApiForbiddenException,
    SellingApiUnprocessableException,
)

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

State = Seller.State
CREDENTIALS = ("client_id", "client_secret", "refresh_token")
DETAILS = ("name", "marketplace_id", "application_id", "time_zone", "sync_since")


@dataclass(frozen=True, slots=True)
class Details:
    """What an owner enters about a seller account, other than its credentials."""

    name: str
    marketplace_id: str
    application_id: str = ""
    time_zone: str = "UTC"
    sync_since: dt.datetime | None = None
    """Jobs created since then are loaded first; None stands for the last 90 days."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Credentials as typed; an empty one leaves the kept one as it is."""

    client_id: str = field(default="", repr=False)
    client_secret: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What Amazon answered, in our words (``words``) and in Amazon's own (``detail``)."""

    ok: bool
    words: str
    detail: str = ""
    request_id: str = ""


@transaction.atomic
def connect(*, owner: Person, details: Details, credentials: Credentials) -> Seller:
    """Keep a new seller account, owned by this person, without asking Amazon anything yet."""
    seller = Seller(owner=owner)
    _set_details(seller, details)
    _set_credentials(seller, credentials)
    seller.save(force_insert=True)
    Membership.objects.create(person=owner, seller=seller, role=Membership.Role.OWNER)
    typed = [name for name in CREDENTIALS if getattr(credentials, name)]
    activity.record(
        activity.Kind.SELLER_CONNECTED,
        seller=seller,
        marketplace=seller.marketplace_id,
        credentials=typed,
    )
    return seller


@transaction.atomic
def change(*, seller: Seller, details: Details, credentials: Credentials) -> None:
    """Keep new details, and those credentials that were typed.

    New credentials, or another marketplace, must be tested again. Another marketplace or beginning
    loads the jobs anew.
    """
    reload = (seller.marketplace_id, seller.sync_since) != (
        details.marketplace_id,
        details.sync_since,
    )
    moved = seller.marketplace_id != details.marketplace_id
    different = [name for name in DETAILS if getattr(seller, name) != getattr(details, name)]
    typed = _set_credentials(seller, credentials)
    changed = _set_details(seller, details) | typed
    if moved or changed & set(CREDENTIALS):
        seller.state, seller.state_detail = State.NEW, ""
        changed |= {"state", "state_detail"}
    seller.save(update_fields=changed)
    if reload and seller.sync_jobs.exists():
        sync.start(seller)
    if different:
        activity.record(activity.Kind.SELLER_CHANGED, seller=seller, fields=different)
    if replaced := typed & set(CREDENTIALS):
        activity.record(activity.Kind.CREDENTIALS_CHANGED, seller=seller, fields=replaced)


def _set_details(seller: Seller, details: Details) -> set[str]:
    for name in DETAILS:
        setattr(seller, name, getattr(details, name))
    return set(DETAILS)


def _set_credentials(seller: Seller, credentials: Credentials) -> set[str]:
    typed = {name: value for name in CREDENTIALS if (value := getattr(credentials, name))}
    for name, value in typed.items():
        setattr(seller, name, value)
    changed = set(typed)
    if "client_secret" in typed:
        seller.secret_rotated_at = timezone.now()
        changed.add("secret_rotated_at")
    if "refresh_token" in typed:
        seller.authorised_at = None  # Kept again when Amazon has accepted the token.
        changed.add("authorised_at")
    return changed


def check_connection(*, seller: Seller) -> Verdict:
    """Ask Amazon for one job, keep what that says of the credentials, and have jobs fetched."""
    try:
        _ask_amazon(seller)
    except FAULTS as error:
        verdict = _verdict(error, seller)
        if not isinstance(error, MissingCredentials):
            _keep(seller, error)
        return verdict
    note_state(seller, State.CONNECTED)
    _fetch(seller)
    return Verdict(ok=True, words=gettext("Connected. Amazon accepts these credentials."))


def _ask_amazon(seller: Seller) -> None:
    with open_client(seller, interactive=True) as client:
        # A cached access token would hide a wrong secret: prove the credentials themselves.
        _token_client(seller).get_auth()
        client.get_service_jobs(createdAfter=timezone.now() - dt.timedelta(days=1), pageSize=1)


def _token_client(seller: Seller) -> AccessTokenClient:
    credentials = {
        "refresh_token": seller.refresh_token,
        "lwa_app_id": seller.client_id,
        "lwa_client_secret": seller.client_secret,
    }
    return AccessTokenClient(credentials=credentials, token_cache=LocalTokenCache())


def _keep(seller: Seller, error: Exception) -> None:
    state = state_after(error)
    if state is None and isinstance(error, _WRONG_PLACE):
        state = State(seller.state)
    if state is not None:
        # Kept in English, and translated for whoever reads it.
        with override(None):
            note_state(seller, state, _verdict(error, seller).words)


def _fetch(seller: Seller) -> None:
    """Begin the first load, or go on at once where fetching stopped."""
    Seller.objects.filter(pk=seller.pk).update(disconnected_at=None, erased_at=None)
    tasks = SyncJob.objects.filter(seller=seller)
    if tasks.filter(kind=SyncJob.Kind.FIRST_LOAD).exists():
        tasks.filter(finished_at=None).update(next_run_at=timezone.now(), attempts=0, last_error="")
    else:
        sync.start(seller)


def authorise(*, seller: Seller, code: str, redirect_uri: str, selling_partner_id: str) -> Verdict:
    """Exchange a consent's code for the refresh token, keep it, then check the connection.

    Raises `CannotBeDone` when the consent is for another seller account than this one's.
    """
    known = seller.selling_partner_id
    if known and selling_partner_id and known != selling_partner_id:
        words = gettext(
            "You gave consent for the seller account %(given)s, but %(seller)s is %(known)s. "
            "Log in to Seller Central as %(known)s and try again."
        )
        given = {"given": selling_partner_id, "seller": seller.name, "known": known}
        raise CannotBeDone(words % given)
    try:
        grant = _token_client(seller).exchange_code(code, redirect_uri)
    except AuthorizationError as error:
        return _verdict(error, seller, _EXCHANGE_WORDS)
    _keep_grant(seller, grant["refresh_token"], selling_partner_id or known)
    return check_connection(seller=seller)


@transaction.atomic
def _keep_grant(seller: Seller, refresh_token: str, selling_partner_id: str) -> None:
    seller.refresh_token = refresh_token
    seller.selling_partner_id = selling_partner_id
    seller.authorised_at = timezone.now()
    seller.state, seller.state_detail = State.NEW, ""
    seller.save(
        update_fields=[
            "refresh_token", "selling_partner_id", "authorised_at", "state", "state_detail",
        ]
    )  # fmt: skip
    activity.record(activity.Kind.CREDENTIALS_CHANGED, seller=seller, fields=["refresh_token"])


@transaction.atomic
def disconnect(*, seller: Seller) -> None:
    """Erase all three credentials and stop fetching.

    Jobs fetched so far stay for `retention.KEEP_SELLER_FOR`, in which it can be connected again.
    """
    for name in CREDENTIALS:
        setattr(seller, name, "")
    seller.state, seller.state_detail = State.DISCONNECTED, ""
    seller.authorised_at = seller.secret_rotated_at = None
    seller.disconnected_at = timezone.now()
    seller.save(
        update_fields=[
            *CREDENTIALS, "state", "state_detail", "authorised_at", "secret_rotated_at",
            "disconnected_at",
        ]
    )  # fmt: skip
    SyncJob.objects.filter(seller=seller).update(
        next_run_at=timezone.now() + tasks.NEVER_AGAIN, last_error=""
    )
    activity.record(activity.Kind.SELLER_DISCONNECTED, seller=seller)


@transaction.atomic
def switch(*, seller: Seller, on: Iterable[str]) -> None:
    """Keep which kinds of write the seller has agreed with Amazon; the others are refused."""
    agreed = set(on)
    seller.switched_off = [name for name in KINDS if name not in agreed]
    seller.save(update_fields=["switched_off"])
    activity.record(activity.Kind.SWITCHES_CHANGED, seller=seller, off=seller.switched_off)


_WRONG_PLACE = (SellingApiBadRequestException, SellingApiUnprocessableException)
_LOGIN_WORDS = {
    "invalid_client": _(
        "Amazon does not know this client id with this secret. Copy both again from your "
        "application in the Solution Provider Portal; a rotated secret works for 7 days only."
    ),
    "unauthorized_client": _(
        "Amazon does not let this application act for sellers. Check that it is not disabled and "
        "that the refresh token was made for this application."
    ),
    "invalid_grant": _(
        "Amazon does not accept the refresh token: it is unknown, belongs to another application, "
        "or the seller has withdrawn the authorisation. Authorise again."
    ),
    "temporarily_unavailable": _(
        "Log-in with Amazon cannot be reached just now. Try again shortly."
    ),
    "server_error": _("Log-in with Amazon has a fault at the moment. Try again shortly."),
}
_EXCHANGE_WORDS = {
    "invalid_grant": _(
        "The authorisation came too late or was used already: it is good for five minutes. "
        "Authorise again."
    ),
}
_NAMES = {
    "refresh_token": _("the refresh token"),
    "lwa_app_id": _("the client id"),
    "lwa_client_secret": _("the client secret"),
}


def _verdict(
    error: Exception, seller: Seller, login_words: Mapping[str, _StrPromise] = _LOGIN_WORDS
) -> Verdict:
    words = _in_words(error, seller)
    if isinstance(error, AuthorizationError):
        detail = f"{error.error}: {error.error_description}" if error.error_description else ""
        known = login_words.get(error.error) or _LOGIN_WORDS.get(error.error) or words
        return Verdict(False, str(known), detail or error.error, error.request_id or "")
    if isinstance(error, SellingApiException):
        detail = " ".join(filter(None, (str(error.code or ""), error.amzn_code, error.message)))
        return Verdict(False, words, detail, error.request_id or "")
    return Verdict(False, words)


def _in_words(error: Exception, seller: Seller) -> str:
    place = f"{seller.marketplace.name} ({seller.marketplace_id})"
    if isinstance(error, MissingCredentials):
        missing = gettext(" and ").join(str(_NAMES.get(name, name)) for name in error.missing)
        return gettext("We could not ask Amazon: %(what)s is missing.") % {"what": missing}
    if isinstance(error, SellingApiForbiddenException):
        words = gettext(
            "Amazon knows you, but denies access to service jobs. If the role Professional "
            "Services (Restricted) is missing, add it and authorise again. If you have it, the "
            "account does not belong to the region of %(place)s."
        )
        return words % {"place": place}
    if isinstance(error, _WRONG_PLACE):
        words = gettext(
            "Amazon does not accept the marketplace %(place)s for this account. Choose another."
        )
        return words % {"place": place}
    return in_words(error)
