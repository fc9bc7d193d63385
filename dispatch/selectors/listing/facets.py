"""Facets: the values that occur in sellers' jobs, kept in memory while none of the jobs changes.

A seller's revision grows in the transaction of every change to its jobs, so facets read at a
revision are never older than that. They are read again every ten minutes all the same: a database
that was restored from a backup begins its revisions again.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from dispatch.models import JobReference, Seller, ServiceJob
from dispatch.selectors.listing.skip_scan import distinct_values

SECONDS = 600
Snapshot = tuple[int, tuple[tuple[uuid.UUID, int], ...]]
"""The number of a span of `SECONDS`, and the revision of each seller in it."""


@dataclass(frozen=True, slots=True)
class Facets:
    """The values of some columns at a snapshot; two of the same snapshot are one object."""

    snapshot: Snapshot = (0, ())
    statuses: tuple[str, ...] = ()
    """Every status, also those that Amazon knows and we do not."""
    zones: tuple[str, ...] = ()
    """Every time zone."""
    skills: tuple[str, ...] = ()
    """The first 200 skills that the jobs ask for: a filter offers no more."""
    stores: tuple[str, ...] = ()
    """The ids of the first 200 stores."""


NO_FACETS = Facets()


def facets_of(sellers: Iterable[Seller]) -> Facets:
    """Return the facets of the jobs of these sellers."""
    revisions = sorted((seller.pk, seller.revision) for seller in sellers)
    return _facets((int(time.time()) // SECONDS, tuple(revisions)))


@lru_cache(maxsize=1024)
def _facets(snapshot: Snapshot) -> Facets:
    keys = [seller for seller, _ in snapshot[1]]
    skills = distinct_values(JobReference, "value", keys, kind=JobReference.Kind.SKILL)
    return Facets(
        snapshot,
        statuses=tuple(distinct_values(ServiceJob, "status", keys, limit=None)),
        zones=tuple(distinct_values(ServiceJob, "time_zone", keys, limit=None)),
        skills=tuple(skills),
        stores=tuple(store for store in distinct_values(ServiceJob, "store_id", keys) if store),
    )
