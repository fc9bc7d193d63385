"""What a person may see: every other read begins here.

Owners, dispatchers and auditors see all jobs of their sellers; a technician sees the jobs that are
assigned to one of their own resource ids.
"""

from __future__ import annotations

import uuid
from dataclasses import replace

from django.db.models import QuerySet

from dispatch.models import Membership, Person, Seller, ServiceJob, TechnicianResource
from dispatch.selectors.listing.facets import facets_of
from dispatch.selectors.listing.query import JobQuery, Scope

Role = Membership.Role
SEES_ALL = (Role.OWNER, Role.DISPATCHER, Role.AUDITOR)
DISPATCHES = (Role.OWNER, Role.DISPATCHER)
EVERYONE = (*SEES_ALL, Role.TECHNICIAN)


def sellers_for(person: Person, roles: tuple[Role, ...] = EVERYONE) -> QuerySet[Seller]:
    """Return the sellers for which a person has one of the roles, by name."""
    return Seller.objects.filter(memberships__in=_memberships(person, roles)).order_by("name", "pk")


def jobs_for(person: Person, roles: tuple[Role, ...] = EVERYONE) -> QuerySet[ServiceJob]:
    """Return the jobs a person may see in one of the roles, as a query of Django."""
    scopes = _scopes(person, list(_memberships(person, roles)))
    return JobQuery(tuple(scopes)).unordered()


def job_query_for(person: Person, roles: tuple[Role, ...] = EVERYONE) -> JobQuery:
    """Return the jobs a person may see, as a list that can be narrowed, counted and paged."""
    memberships = list(_memberships(person, roles).select_related("seller"))
    facets = facets_of(membership.seller for membership in memberships)
    scopes = _scopes(person, memberships)
    return JobQuery(tuple(replace(scope, facets=facets) for scope in scopes))


def _memberships(person: Person, roles: tuple[Role, ...]) -> QuerySet[Membership]:
    return Membership.objects.filter(person=person, role__in=roles)


def _scopes(person: Person, memberships: list[Membership]) -> list[Scope]:
    all_of = tuple(m.seller_id for m in memberships if m.role in SEES_ALL)
    own_of = [m.seller_id for m in memberships if m.role == Role.TECHNICIAN]
    resources = _resources(person, own_of) if own_of else {}
    own = [Scope((seller,), resources=tuple(resources.get(seller, ()))) for seller in own_of]
    return [Scope(all_of), *own] if all_of else own


def _resources(person: Person, sellers: list[uuid.UUID]) -> dict[uuid.UUID, list[str]]:
    """Return a technician's own resource ids at each seller."""
    found: dict[uuid.UUID, list[str]] = {}
    own = TechnicianResource.objects.filter(
        technician__person=person, technician__active=True, seller__in=sellers
    )
    for seller, resource in own.order_by("resource_id").values_list("seller_id", "resource_id"):
        found.setdefault(seller, []).append(resource)
    return found


def role_for(person: Person, seller: Seller) -> Role | None:
    """Return the person's role for a seller; None for a stranger."""
    membership = Membership.objects.filter(person=person, seller=seller).first()
    return Role(membership.role) if membership else None
