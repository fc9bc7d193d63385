"""What occurs in sellers' jobs as a whole, kept in memory while nothing in them changes.

A seller's revision grows in the transaction of every change to its jobs, so what is read at a
revision is never older than that. Nothing is kept for longer than ten minutes all the same: a
database that was put back begins its revisions again.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from dispatch.models import JobReference, Seller, ServiceJob
from dispatch.selectors.seeks import values_of

SECONDS = 600
At = tuple[int, tuple[tuple[uuid.UUID, int], ...]]
"""A span of `SECONDS`, and the revision of each seller in it."""


@dataclass(frozen=True, slots=True)
class Known:
    """The values of some columns at a moment; whoever asks at the same moment gets the same."""

    at: At = (0, ())
    statuses: tuple[str, ...] = ()
    """Amazon may know more than we do."""
    zones: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    """That the jobs ask for, as far as a filter can offer them."""
    stores: tuple[str, ...] = ()
    """Likewise."""


NOTHING = Known()


def known_of(sellers: Iterable[Seller]) -> Known:
    """What occurs in the jobs of these sellers."""
    revisions = sorted((seller.pk, seller.revision) for seller in sellers)
    return _known((int(time.time()) // SECONDS, tuple(revisions)))


@lru_cache(maxsize=1024)
def _known(at: At) -> Known:
    keys = [seller for seller, _ in at[1]]
    skills = values_of(JobReference, "value", keys, kind=JobReference.Kind.SKILL)
    return Known(
        at,
        statuses=tuple(values_of(ServiceJob, "status", keys, limit=None)),
        zones=tuple(values_of(ServiceJob, "time_zone", keys, limit=None)),
        skills=tuple(skills),
        stores=tuple(store for store in values_of(ServiceJob, "store_id", keys) if store),
    )
