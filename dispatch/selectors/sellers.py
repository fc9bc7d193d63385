"""What owners read of their seller accounts. Nothing here shows a credential."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from dispatch.models import Erasure, Membership, Person, ReasonCode, Seller, SyncJob
from dispatch.models.keyring import SealBroken
from dispatch.models.retention import KEEP_SELLER_FOR
from dispatch.selectors.access import Role, sellers_for
from dispatch.selectors.sync_state import is_stale

State = Seller.State
CREDENTIALS = ("client_id", "client_secret", "refresh_token")

COUNTRY_NAMES = {
    "AE": _("United Arab Emirates"),
    "AU": _("Australia"),
    "BE": _("Belgium"),
    "BR": _("Brazil"),
    "CA": _("Canada"),
    "DE": _("Germany"),
    "EG": _("Egypt"),
    "ES": _("Spain"),
    "FR": _("France"),
    "IE": _("Ireland"),
    "IN": _("India"),
    "IT": _("Italy"),
    "JP": _("Japan"),
    "MX": _("Mexico"),
    "NL": _("Netherlands"),
    "PL": _("Poland"),
    "SA": _("Saudi Arabia"),
    "SE": _("Sweden"),
    "SG": _("Singapore"),
    "TR": _("Türkiye"),
    "UK": _("United Kingdom"),
    "US": _("United States"),
    "ZA": _("South Africa"),
}
_LOOKS = {
    State.NEW: "pending_schedule",
    State.CONNECTED: "completed",
    State.DISCONNECTED: "cancelled",
}


@dataclass(frozen=True, slots=True)
class SellerCard:
    """A seller as its owner sees it in passing."""

    seller: Seller
    marketplace: str
    look: str
    """The status whose colour and icon its state wears."""
    loading: bool
    done: int
    total: int
    stale: bool
    error: str
    """The last trouble with fetching, in plain words; empty when all is well."""


def owned_by(person: Person) -> QuerySet[Seller]:
    """Return the sellers of which this person is an owner."""
    return sellers_for(person, (Role.OWNER,))


def may_connect(person: Person) -> bool:
    """Return whether a person may connect a seller: owners, and people without any seller yet."""
    roles = set(Membership.objects.filter(person=person).values_list("role", flat=True))
    return not roles or Role.OWNER in roles


def cards_for(person: Person) -> list[SellerCard]:
    """Return the cards of the person's sellers, by name."""
    return [card_of(seller) for seller in owned_by(person).prefetch_related("sync_jobs")]


def card_of(seller: Seller) -> SellerCard:
    """Return a seller's card."""
    tasks = {task.kind: task for task in seller.sync_jobs.all()}
    first = tasks.get(SyncJob.Kind.FIRST_LOAD)
    loading = bool(first and first.finished_at is None and seller.usable)
    return SellerCard(
        seller=seller,
        marketplace=country_name(seller.marketplace_id),
        look=_LOOKS.get(State(seller.state), "hold"),
        loading=loading,
        done=first.done if first else 0,
        total=first.total if first else 0,
        stale=bool(seller.synced_at) and is_stale(seller, timezone.now()),
        error=_error(seller, list(tasks.values())),
    )


def _error(seller: Seller, tasks: list[SyncJob]) -> str:
    kept = seller.state_detail
    if not kept and seller.usable:
        kept = next((task.last_error for task in tasks if task.last_error), "")
    # It is kept in English, and translated for whoever reads it.
    return gettext(kept) if kept else ""


def country_name(marketplace_id: str) -> str:
    """Return the country of a marketplace id, such as "Germany"; an unknown id as it is."""
    return dict(marketplaces()).get(marketplace_id, marketplace_id)


def marketplaces() -> list[tuple[str, str]]:
    """Return every marketplace as (id, country), by country."""
    pairs = [(m, str(COUNTRY_NAMES.get(name, name))) for m, name in _codes()]
    return sorted(pairs, key=lambda pair: pair[1])


def _codes() -> list[tuple[str, str]]:
    field = Seller._meta.get_field("marketplace_id")
    return [(str(value), str(label)) for value, label in field.flatchoices]


def held_credentials(seller: Seller) -> frozenset[str]:
    """Return the names of the credentials that are kept, also of those that cannot be opened."""
    return frozenset(name for name in CREDENTIALS if _is_held(seller, name))


def _is_held(seller: Seller, name: str) -> bool:
    try:
        return bool(getattr(seller, name))
    except SealBroken:
        return True


def erased_on(seller: Seller) -> dt.datetime | None:
    """Return when a disconnected seller's data will be erased; None if nothing will be."""
    if seller.disconnected_at is None or seller.erased_at:
        return None
    return seller.disconnected_at + KEEP_SELLER_FOR


def certificates(seller: Seller) -> QuerySet[Erasure]:
    """Return the records of erasing the seller's data after it was disconnected."""
    return Erasure.objects.filter(kind=Erasure.Kind.SELLER, seller_id=seller.pk)


def reasons_of(seller: Seller, kind: ReasonCode.Kind) -> QuerySet[ReasonCode]:
    """Return the reason codes of a kind for the seller's marketplace, in the owner's order."""
    return seller.reason_codes.filter(kind=kind, marketplace_id=seller.marketplace_id)


def reason_of(seller: Seller, reason_id: int) -> ReasonCode | None:
    """Return one of the seller's reason codes; None if it is not the seller's."""
    return seller.reason_codes.filter(pk=reason_id).first()
