"""What owners read of the people and technicians of their sellers."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Prefetch, QuerySet
from django.db.models.functions import Lower

from dispatch.models import Membership, Person, Seller, Technician
from dispatch.selectors.sellers import owned_by


@dataclass(frozen=True, slots=True)
class Member:
    """A person of a seller. ``waiting``: a link to set the password may be handed out."""

    membership: Membership
    waiting: bool


@dataclass(frozen=True, slots=True)
class Team:
    """Everybody who works for a seller."""

    seller: Seller
    members: list[Member]
    technicians: list[Technician]


def teams_of(owner: Person) -> list[Team]:
    """The teams of this person's sellers, people and technicians by name."""
    sellers = list(
        owned_by(owner).prefetch_related(
            Prefetch("memberships", _memberships()), Prefetch("technicians", _technicians())
        )
    )
    strangers = _belonging_elsewhere(sellers)
    return [
        Team(
            seller,
            [Member(m, _waits(m.person, strangers)) for m in seller.memberships.all()],
            list(seller.technicians.all()),
        )
        for seller in sellers
    ]


def _belonging_elsewhere(sellers: list[Seller]) -> set[int]:
    """Ids of the people of these sellers who also belong to another one."""
    here = Person.objects.filter(memberships__seller__in=sellers)
    elsewhere = Membership.objects.filter(person__in=here).exclude(seller__in=sellers)
    return set(elsewhere.values_list("person_id", flat=True))


def _waits(person: Person, strangers: set[int]) -> bool:
    return person.is_active and not person.has_usable_password() and person.pk not in strangers


def membership_for(owner: Person, membership_id: int) -> Membership | None:
    """A membership in one of the owner's sellers."""
    return _memberships().filter(pk=membership_id, seller__in=owned_by(owner)).first()


def technician_for(owner: Person, technician_id: int) -> Technician | None:
    """A technician of one of the owner's sellers."""
    return _technicians().filter(pk=technician_id, seller__in=owned_by(owner)).first()


def people_of(seller: Seller) -> QuerySet[Person]:
    """Who belongs to a seller, by name."""
    return Person.objects.filter(memberships__seller=seller).order_by(Lower("name"), "pk")


def may_hand_out_link(owner: Person, person: Person) -> bool:
    """Whether an owner may hand out a link that sets this person's password.

    Only for somebody who has none yet and belongs to no one else's seller: such a link is the
    account itself, and another seller's people are not this owner's to become.
    """
    return _waits(person, _belonging_elsewhere(list(owned_by(owner))))


def _memberships() -> QuerySet[Membership]:
    return Membership.objects.select_related("person", "seller").order_by(
        Lower("person__name"), "person__email"
    )


def _technicians() -> QuerySet[Technician]:
    return (
        Technician.objects.select_related("person", "seller")
        .prefetch_related("resources")
        .order_by(Lower("name"), "pk")
    )
