"""Keeps usage plans: one exact token bucket per application, seller and operation."""

from __future__ import annotations

import time
from collections.abc import Callable

from dispatch.spapi.operations import Operation

_SECOND = 1_000_000_000


class Plans:
    """Token buckets kept as theoretical arrival times in whole nanoseconds.

    Every rate of the model divides a second, so nothing is rounded: a bucket of burst 20 at 5/s
    grants 20 requests at once and one more every 200 ms, never 19 or 21.
    """

    def __init__(self, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self.clock = clock
        self._arrivals: dict[tuple[str, str, str], int] = {}

    def take(self, application: str, seller: str, operation: Operation) -> bool:
        """Spend one token; return False when the bucket is empty."""
        now = self.clock()
        interval = round(_SECOND / operation.rate)
        key = (application, seller, operation.id)
        arrival = max(now, self._arrivals.get(key, now)) + interval
        if arrival - now > operation.burst * interval:
            return False
        self._arrivals[key] = arrival
        return True

    def refill(self) -> None:
        self._arrivals.clear()
