"""What people may do for a seller, and the seller's roster of technicians."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext

from dispatch.models import Membership, Person, Seller, Technician, TechnicianResource
from dispatch.services.access import sessions
from dispatch.services.audit import activity
from dispatch.services.errors import CannotBeDone

Role = Membership.Role


def join(*, person: Person, seller: Seller, role: Role) -> Membership:
    """Give a person a role for a seller. Raises `CannotBeDone` for somebody who has one already."""
    try:
        with transaction.atomic():
            membership = Membership.objects.create(person=person, seller=seller, role=role)
            _record(activity.Kind.PERSON_ADDED, membership, person=person, role=role)
    except IntegrityError:
        raise CannotBeDone(
            gettext("%(email)s belongs to %(seller)s already.")
            % {"email": person.email, "seller": seller.name}
        ) from None
    return membership


@transaction.atomic
def change_role(*, membership: Membership, role: Role) -> None:
    """Give a person another role. Raises `CannotBeDone` where the last owner would go."""
    if role != Role.OWNER:
        _keep_an_owner(membership)
    before, membership.role = membership.role, role
    membership.save(update_fields=["role"])
    _record(activity.Kind.ROLE_CHANGED, membership, role=role, before=before)


@transaction.atomic
def remove(*, membership: Membership) -> None:
    """End what a person may do for a seller. Raises `CannotBeDone` for its last owner.

    A person who then works for no seller at all is logged out everywhere, at once.
    """
    _keep_an_owner(membership)
    membership.delete()
    _record(activity.Kind.PERSON_REMOVED, membership, role=membership.role)
    if not Membership.objects.filter(person_id=membership.person_id).exists():
        sessions.end(person=membership.person, why=sessions.EndReason.REMOVED)


def _record(kind: activity.Kind, membership: Membership, **detail: Any) -> None:
    """Record what happened to a membership; the log takes who did it from the request."""
    subject = membership.person.email
    activity.record(kind, seller=membership.seller, subject=subject, **detail)


def _keep_an_owner(membership: Membership) -> None:
    """Let the seller keep an owner when this membership is no longer one.

    Where the seller is owned by the person who goes, it passes to the longest-standing other owner.
    Raises `CannotBeDone` where there is no other owner.
    """
    # The seller's row is locked: of two owners who remove each other, one stays.
    seller = Seller.objects.select_for_update().get(pk=membership.seller_id)
    others = Membership.objects.filter(seller=seller, role=Role.OWNER).exclude(pk=membership.pk)
    heir = others.order_by("created_at", "pk").first()
    if heir is None:
        raise CannotBeDone(
            gettext("%(name)s is the last owner of %(seller)s. Add another first.")
            % {"name": membership.person, "seller": seller.name}
        )
    if seller.owner_id == membership.person_id:
        seller.owner_id = heir.person_id
        seller.save(update_fields=["owner"])


def save_technician(
    *,
    seller: Seller,
    name: str,
    resource_ids: Sequence[str],
    skills: Sequence[str],
    colour: int,
    person: Person | None,
    technician: Technician | None = None,
) -> Technician:
    """Put a technician on the roster, or change the one that is given.

    Raises `CannotBeDone` when one of the ids is another technician's of the same seller.
    """
    _check_ids(seller, resource_ids, technician)
    try:
        with transaction.atomic():
            row = technician or Technician(seller=seller)
            row.name, row.skills, row.colour = name, list(skills), colour
            row.person = person
            row.save()
            _set_ids(row, resource_ids)
            activity.record(
                activity.Kind.TECHNICIAN_SAVED,
                seller=seller,
                subject=f"technician {row.pk}",
                logs_in=person and person.pk,
                resources=resource_ids,
                new=technician is None,
            )
    except IntegrityError:
        raise CannotBeDone(
            gettext("One of these ids was given to another technician just now.")
        ) from None
    return row


def _check_ids(seller: Seller, ids: Sequence[str], technician: Technician | None) -> None:
    taken = TechnicianResource.objects.filter(seller=seller, resource_id__in=ids)
    if technician is not None:
        taken = taken.exclude(technician=technician)
    if first := taken.select_related("technician").order_by("resource_id").first():
        raise CannotBeDone(
            gettext("%(resource_id)s belongs to %(name)s already.")
            % {"resource_id": first.resource_id, "name": first.technician.name}
        )


def _set_ids(technician: Technician, ids: Sequence[str]) -> None:
    technician.resources.exclude(resource_id__in=ids).delete()
    kept = set(technician.resources.values_list("resource_id", flat=True))
    TechnicianResource.objects.bulk_create(
        TechnicianResource(
            technician=technician, seller_id=technician.seller_id, resource_id=resource_id
        )
        for resource_id in ids
        if resource_id not in kept
    )


@transaction.atomic
def remove_technician(*, technician: Technician) -> None:
    """Take a technician off the roster. Jobs they are assigned to stay as Amazon has them."""
    subject, seller = f"technician {technician.pk}", technician.seller
    technician.delete()
    activity.record(activity.Kind.TECHNICIAN_REMOVED, seller=seller, subject=subject)
