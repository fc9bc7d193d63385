"""A query for jobs: whose they are, in which statuses, and under which conditions."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.db.models import Q, QuerySet

from dispatch.models import JobReference, ServiceJob
from dispatch.selectors.listing.conditions import Condition, HasReference, OneOf, residual_filter
from dispatch.selectors.listing.facets import NO_FACETS, Facets


@dataclass(frozen=True, slots=True)
class Scope:
    """Sellers whose jobs a person sees in the same way.

    ``resources`` limits the jobs to those assigned to these resource ids; None shows all jobs.
    ``facets`` is what occurs in the sellers' jobs.
    """

    sellers: tuple[uuid.UUID, ...]
    resources: tuple[str, ...] | None = None
    facets: Facets = NO_FACETS


@dataclass(frozen=True, slots=True)
class JobQuery:
    """The jobs of some scopes for which every condition holds; it can be compared and hashed.

    ``statuses`` is None for every status.
    """

    scopes: tuple[Scope, ...]
    statuses: frozenset[str] | None = None
    conditions: tuple[Condition, ...] = ()

    @property
    def sellers(self) -> list[uuid.UUID]:
        return [seller for scope in self.scopes for seller in scope.sellers]

    def only_sellers(self, chosen: Iterable[uuid.UUID]) -> JobQuery:
        """Return the query for the jobs of these sellers alone."""
        kept = set(chosen)
        scopes = (replace(s, sellers=tuple(x for x in s.sellers if x in kept)) for s in self.scopes)
        return replace(self, scopes=tuple(scope for scope in scopes if scope.sellers))

    def only_statuses(self, statuses: Iterable[str]) -> JobQuery:
        """Return the query for the jobs in one of these statuses alone."""
        allowed = frozenset(statuses)
        return replace(self, statuses=allowed if self.statuses is None else self.statuses & allowed)

    def where(self, *conditions: Condition) -> JobQuery:
        """Return the query for the jobs for which these conditions hold too."""
        return replace(self, conditions=self.conditions + conditions)

    def empty(self) -> JobQuery:
        """Return a query that finds no jobs."""
        return replace(self, scopes=())

    def unordered(self) -> QuerySet[ServiceJob]:
        """Return the jobs as a plain query of Django: for few jobs, and to compare with."""
        found = Q(pk__in=[])
        for scope in self.scopes:
            all_hold = residual_filter(self.conditions_in(scope), scope.sellers, "pk")
            found |= Q(seller__in=scope.sellers) & all_hold
        return ServiceJob.objects.filter(found)

    def conditions_in(self, scope: Scope) -> list[Condition]:
        """Return all that must hold in a scope, its statuses and resources among them."""
        found = list(self.conditions)
        if self.statuses is not None:
            found.append(OneOf("status", self.statuses))
        if scope.resources is not None:
            found.append(HasReference(JobReference.Kind.RESOURCE, scope.resources))
        return found
