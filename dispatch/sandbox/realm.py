"""Holds all that one running sandbox knows: sellers' worlds, clock, log of calls, settings."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from dispatch.sandbox.faults import Faults
from dispatch.sandbox.plans import Plans
from dispatch.sandbox.replies import JsonDict
from dispatch.sandbox.times import Clock, iso_exact
from dispatch.sandbox.world import Job, World

US = "ATVPDKIKX0DER"
DE = "A1PA6795UKMFR9"
APPLICATION = "amzn1.application-oa2-client.sandbox"
APPLICATION_SECRET = "sandbox-secret"
REVOKED = "Atzr|revoked"
_CALLS_KEPT = 10_000


class Realm:
    """The sandbox's state behind one lock; ``wall`` is the clock of tokens and consent codes.

    The worlds' clock may stand still in a scenario. Tokens run by the wall clock all the same,
    because their holders count real seconds.
    """

    def __init__(
        self,
        *,
        wall: Callable[[], float] = time.time,
        plans: Plans | None = None,
        sellers: int = 1,
    ) -> None:
        self.lock = threading.RLock()
        self.wall = wall
        self.clock = Clock()
        self.plans = plans or Plans()
        self.faults = Faults()
        self.rate_limits = True
        self.living = False
        self.version = 0
        self.dirty = False
        self.calls: deque[JsonDict] = deque(maxlen=_CALLS_KEPT)
        self.unanswered = 0
        self.codes: dict[str, dict[str, Any]] = {}
        self.worlds = {world.refresh_token: world for world in _sellers(sellers)}

    @property
    def dirty(self) -> bool:
        """Tell whether anything has changed since it was last written down."""
        return self._dirty

    @dirty.setter
    def dirty(self, changed: bool) -> None:
        self._dirty = changed
        self.version += changed

    @property
    def us(self) -> World:
        return self.worlds["Atzr|sandbox"]

    def now(self) -> datetime:
        return self.clock.now()

    def world_of_marketplace(self, marketplace_id: object) -> World:
        """Return the seller of a marketplace; the US one sells wherever nobody else does."""
        fitting = (one for one in self.worlds.values() if one.marketplace_id == marketplace_id)
        return next(fitting, self.us)

    def owner_of(self, payload: JsonDict) -> World:
        """Return whose job this is: the seller it names, else the one of its marketplace."""
        named = payload.get("seller")
        seller_id = named.get("sellerId") if isinstance(named, dict) else None
        fitting = (one for one in self.worlds.values() if one.selling_partner_id == seller_id)
        return next(fitting, None) or self.world_of_marketplace(payload.get("marketplaceId", US))

    def find_job(self, job_id: str) -> tuple[World, Job] | None:
        for world in self.worlds.values():
            if job_id in world.jobs:
                return world, world.jobs[job_id]
        return None

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Count a request as unanswered for as long as it is worked on."""
        with self.lock:
            self.unanswered += 1
        try:
            yield
        finally:
            with self.lock:
                self.unanswered -= 1

    def note_call(self, operation: str, status: int) -> None:
        at = iso_exact(datetime.now(UTC))
        self.calls.append({"operation": operation, "status": status, "at": at})

    def clear(self) -> None:
        """Leave empty worlds with full buckets and every authorisation in order."""
        for world in self.worlds.values():
            world.clear()
        self.plans.refill()
        self.calls.clear()
        self.codes.clear()
        self.dirty = True


def _sellers(count: int) -> Iterator[World]:
    """Yield the two sellers of the demo, and more US ones beside them."""
    yield World("Atzr|sandbox", "A2SANDBOXUS001", US, "Lakeshore Home Services")
    yield World("Atzr|sandbox-de", "A2SANDBOXDE001", DE, "Spreewerk Montage")
    for number in range(2, count + 1):
        name = f"Lakeshore Home Services {number}"
        yield World(f"Atzr|sandbox-{number}", f"A2SANDBOXUS{number:03}", US, name)
