"""What owners read of their seller accounts. Nothing here shows a credential."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils import timezone

from dispatch.models import Erasure, Membership, Person, ReasonCode, Seller, SyncJob
from dispatch.models.keyring import SealBroken
from dispatch.models.retention import KEEP_SELLER_FOR
from dispatch.selectors.access import Role, sellers_for
from dispatch.selectors.sync_state import is_stale

State = Seller.State
CREDENTIALS = ("client_id", "client_secret", "refresh_token")

COUNTRY_NAMES = {
    "AE": "United Arab Emirates",
    "AU": "Australia",
    "BE": "Belgium",
    "BR": "Brazil",
    "CA": "Canada",
    "DE": "Germany",
    "EG": "Egypt",
    "ES": "Spain",
    "FR": "France",
    "IE": "Ireland",
    "IN": "India",
    "IT": "Italy",
    "JP": "Japan",
    "MX": "Mexico",
    "NL": "Netherlands",
    "PL": "Poland",
    "SA": "Saudi Arabia",
    "SE": "Sweden",
    "SG": "Singapore",
    "TR": "Türkiye",
    "UK": "United Kingdom",
    "US": "United States",
    "ZA": "South Africa",
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
    if seller.state_detail or not seller.usable:
        return seller.state_detail
    return next((task.last_error for task in tasks if task.last_error), "")


def country_name(marketplace_id: str) -> str:
    """Return the country of a marketplace id, such as "Germany"; an unknown id as it is."""
    return dict(marketplaces()).get(marketplace_id, marketplace_id)


def marketplaces() -> list[tuple[str, str]]:
    """Return every marketplace as (id, country), by country."""
    pairs = [(m, COUNTRY_NAMES.get(name, name)) for m, name in _codes()]
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
