"""Jobs put into the mirror for tests, and the query that finds all of them."""

from __future__ import annotations

from typing import Any

from dispatch.models import Seller
from dispatch.selectors.listing.facets import facets_of
from dispatch.selectors.listing.query import JobQuery, Scope
from dispatch.services.mirror import store
from tests.conftest import NOW


def visit(start: str, *technicians: str, status: str = "ACTIVE") -> dict[str, Any]:
    return {
        "appointmentId": "A",
        "appointmentStatus": status,
        "appointmentTime": {"startTime": start, "durationInMinutes": 60},
        "assignedTechnicians": [{"technicianId": one, "name": one} for one in technicians],
    }


def put(seller: Seller, *jobs: dict[str, Any]) -> None:
    store.store(seller, jobs, fetched_at=NOW)


def everything() -> JobQuery:
    """All jobs of all sellers."""
    sellers = list(Seller.objects.all())
    return JobQuery((Scope(tuple(seller.pk for seller in sellers), facets=facets_of(sellers)),))
