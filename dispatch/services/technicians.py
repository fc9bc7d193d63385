"""A seller's roster of technicians, with the resource ids by which Amazon knows them."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import IntegrityError, transaction
from django.utils.translation import gettext

from dispatch.models import Person, Seller, Technician, TechnicianResource
from dispatch.services.audit import activity
from dispatch.services.errors import CannotBeDone


def save(
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
            row.name, row.skills, row.colour, row.person = name, list(skills), colour, person
            row.save()
            _set_ids(row, resource_ids)
            _record(row, resource_ids, new=technician is None)
    except IntegrityError:
        raise CannotBeDone(
            gettext("One of these ids was given to another technician just now.")
        ) from None
    return row


def _record(technician: Technician, resource_ids: Sequence[str], *, new: bool) -> None:
    activity.record(
        activity.Kind.TECHNICIAN_SAVED,
        seller=technician.seller,
        subject=f"technician {technician.pk}",
        logs_in=technician.person_id,
        resources=resource_ids,
        new=new,
    )


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
def remove(*, technician: Technician) -> None:
    """Take a technician off the roster. Jobs they are assigned to stay as Amazon has them."""
    subject, seller = f"technician {technician.pk}", technician.seller
    technician.delete()
    activity.record(activity.Kind.TECHNICIAN_REMOVED, seller=seller, subject=subject)
