"""What a person may see: every other read begins here.

Owners, dispatchers and auditors see all jobs of their sellers; a technician sees the jobs that are
assigned to one of their own resource ids.
"""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from dispatch.models import JobReference, Membership, Person, Seller, ServiceJob, TechnicianResource

Role = Membership.Role
SEES_ALL = (Role.OWNER, Role.DISPATCHER, Role.AUDITOR)
DISPATCHES = (Role.OWNER, Role.DISPATCHER)
EVERYONE = (*SEES_ALL, Role.TECHNICIAN)


def sellers_for(person: Person, roles: tuple[Role, ...] = EVERYONE) -> QuerySet[Seller]:
    """The sellers for which a person has one of the roles, by name."""
    return Seller.objects.filter(
        memberships__in=Membership.objects.filter(person=person, role__in=roles)
    ).order_by("name", "pk")


def jobs_for(person: Person, roles: tuple[Role, ...] = EVERYONE) -> QuerySet[ServiceJob]:
    """The jobs a person may see in one of the roles."""
    memberships = Membership.objects.filter(person=person, role__in=roles)
    all_of = [m.seller_id for m in memberships if m.role in SEES_ALL]
    own_of = [m.seller_id for m in memberships if m.role == Role.TECHNICIAN]
    visible = Q(seller__in=all_of)
    if own_of:
        visible |= Q(seller__in=own_of) & Q(Exists(_assigned_to(person)))
    return ServiceJob.objects.filter(visible)


def _assigned_to(person: Person) -> QuerySet[JobReference]:
    own_ids = TechnicianResource.objects.filter(
        technician__person=person, technician__active=True, seller=OuterRef("seller")
    )
    return JobReference.objects.filter(
        job=OuterRef("pk"),
        kind=JobReference.Kind.RESOURCE,
        value__in=own_ids.values("resource_id"),
    )


def role_for(person: Person, seller: Seller) -> Role | None:
    """The person's role for a seller, or None for a stranger."""
    membership = Membership.objects.filter(person=person, seller=seller).first()
    return Role(membership.role) if membership else None
