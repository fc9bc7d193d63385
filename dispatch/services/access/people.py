"""What people may do for a seller: who joins, in which role, and who is removed."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext

from dispatch.models import Membership, Person, Seller
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
