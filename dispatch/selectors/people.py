"""What owners read of the people and technicians of their sellers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from allauth.mfa.models import Authenticator
from django.db.models import Max, Prefetch, QuerySet
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from dispatch.models import Invitation, Membership, Person, Seller, Technician
from dispatch.selectors.access import Role
from dispatch.selectors.invitations import still_open
from dispatch.selectors.lockouts import locked_among
from dispatch.selectors.sellers import owned_by

FACTORS = {
    str(Authenticator.Type.TOTP): _("Authenticator app"),
    str(Authenticator.Type.WEBAUTHN): _("Passkey"),
}


@dataclass(frozen=True, slots=True)
class Member:
    """A person of a seller; ``locked`` if too many of their log-ins failed just now."""

    membership: Membership
    second_factor: str
    locked: bool


@dataclass(frozen=True, slots=True)
class Team:
    """Everybody who works for a seller, and everybody who is invited to."""

    seller: Seller
    members: list[Member]
    invitations: list[Invitation]
    technicians: list[Technician]
    reviewed_at: dt.datetime | None


def teams_of(owner: Person) -> list[Team]:
    """Return the teams of this person's sellers, with people and technicians by name."""
    sellers = list(
        owned_by(owner)
        .annotate(reviewed_at=Max("access_reviews__signed_at"))
        .prefetch_related(
            Prefetch("memberships", _memberships()),
            Prefetch("technicians", _technicians()),
            Prefetch("invitations", still_open().order_by("email")),
        )
    )
    people = [m.person for seller in sellers for m in seller.memberships.all()]
    factors = second_factors(person.pk for person in people)
    locked = locked_among({person.email for person in people})
    return [
        Team(
            seller,
            [
                Member(m, factors.get(m.person_id, ""), m.person.email in locked)
                for m in seller.memberships.all()
            ],
            list(seller.invitations.all()),
            list(seller.technicians.all()),
            seller.reviewed_at,
        )
        for seller in sellers
    ]


def second_factors(people: Iterable[int]) -> dict[int, str]:
    """Return second factors in words, "Authenticator app, Passkey", of each person who has any."""
    held: dict[int, list[str]] = {}
    kept = Authenticator.objects.filter(user__in=list(people), type__in=FACTORS)
    for person, kind in kept.order_by("type").values_list("user_id", "type").distinct():
        held.setdefault(person, []).append(str(FACTORS[kind]))
    return {person: ", ".join(names) for person, names in held.items()}


def has_second_factor(person: Person) -> bool:
    """Return whether a log-in of this person asks for more than the password."""
    return person.pk in second_factors([person.pk])


def is_technician_only(person: Person) -> bool:
    """Return whether a person works for sellers as a technician and as nothing else."""
    roles = set(Membership.objects.filter(person=person).values_list("role", flat=True))
    return roles == {Role.TECHNICIAN}


def membership_for(owner: Person, membership_id: int) -> Membership | None:
    """Return a membership in one of the owner's sellers; None for any other."""
    return _memberships().filter(pk=membership_id, seller__in=owned_by(owner)).first()


def memberships_of(seller: Seller) -> QuerySet[Membership]:
    """Return the memberships of a seller, by the people's names."""
    return _memberships().filter(seller=seller)


def technician_for(owner: Person, technician_id: int) -> Technician | None:
    """Return a technician of one of the owner's sellers; None for any other."""
    return _technicians().filter(pk=technician_id, seller__in=owned_by(owner)).first()


def people_of(seller: Seller) -> QuerySet[Person]:
    """Return the people who belong to a seller, by name."""
    return Person.objects.filter(memberships__seller=seller).order_by(Lower("name"), "pk")


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
