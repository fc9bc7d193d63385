"""The only ways from an address to an object: each begins with what this person may see.

A stranger gets 404 everywhere, also for things that exist.
"""

from __future__ import annotations

import uuid

from django.http import Http404, HttpRequest
from django_htmx.middleware import HtmxDetails

from dispatch.models import Person, Seller, ServiceJob
from dispatch.selectors.access import EVERYONE, Role, jobs_for, role_for, sellers_for
from dispatch.selectors.sellers import may_connect


class PersonRequest(HttpRequest):
    """A request behind ``login_required``."""

    user: Person
    htmx: HtmxDetails


def get_job(
    request: PersonRequest, service_job_id: str, roles: tuple[Role, ...] = EVERYONE
) -> ServiceJob:
    """Return the job by Amazon's id among those this person may see; `Http404` otherwise."""
    job = (
        jobs_for(request.user, roles)
        .filter(service_job_id=service_job_id.replace("\0", ""))
        .select_related("seller")
        .order_by("pk")
        .first()
    )
    if job is None:
        raise Http404("No such job.")
    return job


def get_seller(
    request: PersonRequest, seller_id: uuid.UUID, roles: tuple[Role, ...] = (Role.OWNER,)
) -> Seller:
    """Return the seller if this person has one of the roles for it; `Http404` otherwise."""
    seller = sellers_for(request.user, roles).filter(pk=seller_id).first()
    if seller is None:
        raise Http404("No such seller.")
    return seller


def get_role(request: PersonRequest, seller: Seller) -> Role:
    """Return this person's role for a seller they may see; `Http404` for a stranger."""
    role = role_for(request.user, seller)
    if role is None:
        raise Http404("No such seller.")
    return role


def require_owner(request: PersonRequest) -> None:
    """Raise `Http404` for those who only work for others' sellers."""
    if not may_connect(request.user):
        raise Http404("No such page.")
