"""The technicians of sellers, as a roster to choose from."""

from __future__ import annotations

from collections.abc import Iterable

from dispatch.models import Seller, Technician, TechnicianResource


def technicians_of(sellers: Iterable[Seller]) -> list[TechnicianResource]:
    """Return the active technicians of these sellers by name, one for each resource of Amazon."""
    return list(
        TechnicianResource.objects.filter(seller__in=list(sellers), technician__active=True)
        .select_related("technician")
        .order_by("technician__name", "resource_id")
    )


def roster_of(sellers: Iterable[Seller]) -> list[tuple[int, str]]:
    """Return key and name of the technicians who can be assigned these sellers' jobs, by name."""
    found = Technician.objects.filter(resources__seller__in=list(sellers), active=True).order_by(
        "name", "pk"
    )
    return list(found.values_list("pk", "name").distinct())
