"""The one door to Amazon: a client with a seller's credentials, and what Amazon says of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.utils import timezone

from dispatch.models import Seller
from dispatch.models.keyring import SealBroken
from dispatch.services.amazon import metrics
from dispatch.services.amazon.throttle import shared_throttle
from dispatch.services.amazon.tokens import shared_token_cache
from dispatch.services.amazon.words import kept_words
from dispatch.services.audit import activity
from dispatch.spapi import (
    AuthorizationError,
    MissingCredentials,
    SellingApiException,
    SellingApiForbiddenException,
    Services,
)

FAULTS = (SellingApiException, AuthorizationError, MissingCredentials, SealBroken)
"""Every exception that asking Amazon may end in."""


_TOKEN_STATES = {
    "invalid_grant": Seller.State.REVOKED,
    "access_denied": Seller.State.REVOKED,
    "invalid_client": Seller.State.WRONG_SECRET,
    "unauthorized_client": Seller.State.WRONG_SECRET,
}


@contextmanager
def connect(seller: Seller, *, interactive: bool) -> Iterator[Services]:
    """Open a client with the seller's credentials; keep what Amazon says of them in its state.

    ``interactive`` marks a waiting person, who goes before background work. Raises one of `FAULTS`.
    """
    try:
        with open_client(seller, interactive=interactive) as client:
            yield client
    except (AuthorizationError, SellingApiForbiddenException) as error:
        state = state_after(error)
        if state is not None:
            note_state(seller, state, kept_words(error))
        raise


def open_client(seller: Seller, *, interactive: bool) -> Services:
    """Open a client for whoever keeps the seller's state itself. Raises `MissingCredentials`."""
    credentials = {
        "refresh_token": seller.refresh_token,
        "lwa_app_id": seller.client_id,
        "lwa_client_secret": seller.client_secret,
    }
    # An empty credential must not fall back to the environment's: that may be another seller's.
    missing = [name for name, value in credentials.items() if not value]
    if missing:
        raise MissingCredentials(missing)
    return Services(
        seller.marketplace,
        credentials=credentials,
        token_cache=shared_token_cache(),
        throttle=shared_throttle(),
        interactive=interactive,
        observer=metrics.calls_of(seller.pk, interactive=interactive),
    )


def state_after(error: Exception) -> Seller.State | None:
    """Return the state that an error puts a seller in; None where it says nothing of it."""
    if isinstance(error, AuthorizationError):
        return _TOKEN_STATES.get(error.error)
    # `UnauthorizedAction` is about one job; `Unauthorized` is about the seller's role.
    if isinstance(error, SellingApiForbiddenException) and error.amzn_code == "Unauthorized":
        return Seller.State.NO_ROLE
    return None


def note_state(seller: Seller, state: Seller.State, detail: str = "") -> None:
    """Keep what Amazon last said of the seller's credentials; a disconnected seller stays so."""
    seller.state, seller.state_detail = state, detail[:300]
    changes: dict[str, object] = {"state": state, "state_detail": seller.state_detail}
    if state == Seller.State.CONNECTED and seller.authorised_at is None:
        seller.authorised_at = changes["authorised_at"] = timezone.now()
    connected = Seller.objects.filter(pk=seller.pk).exclude(state=Seller.State.DISCONNECTED)
    with transaction.atomic():
        # Every failing call says it again; only what is new is recorded.
        if connected.exclude(state=state).update(**changes):
            activity.record(activity.Kind.CONNECTION_CHANGED, seller=seller, state=state)
        else:
            connected.update(**changes)
