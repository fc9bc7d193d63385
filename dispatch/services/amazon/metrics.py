"""Shows our calls to Amazon to the outside: one log line for each, and figures.

Neither holds a secret or buyer data, only numbers and ids of operations, sellers and requests.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from prometheus_client import Counter, Histogram

from dispatch.spapi import CallRecord

log = logging.getLogger("dispatch.amazon")

CALLS = Counter(
    "dispatch_amazon_calls", "Calls to Amazon by outcome", ["operation", "status", "interactive"]
)
ATTEMPTS = Counter("dispatch_amazon_attempts", "Requests sent, retries included", ["operation"])
DURATION = Histogram(
    "dispatch_amazon_call_seconds", "Seconds a call took, waits included", ["operation"]
)
WAITS = Histogram(
    "dispatch_amazon_wait_seconds",
    "Seconds a call waited for the rate plan and between attempts",
    ["operation"],
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60),
)
ACTIONS = Counter("dispatch_actions", "Writes by kind and what became of them", ["kind", "state"])
SYNC_RUNS = Counter("dispatch_sync_runs", "Runs of the sync by kind and result", ["kind", "result"])


def calls_of(seller_id: object, *, interactive: bool) -> Callable[[CallRecord], None]:
    """Return an observer for `dispatch.spapi.Services` that notes every call of a seller."""
    who = "yes" if interactive else "no"

    def note(call: CallRecord) -> None:
        CALLS.labels(call.operation, call.status, who).inc()
        ATTEMPTS.labels(call.operation).inc(call.attempts)
        DURATION.labels(call.operation).observe(call.duration)
        WAITS.labels(call.operation).observe(call.wait)
        log.info(
            "call operation=%s seller=%s status=%d request=%s attempts=%d wait=%.3f duration=%.3f"
            " interactive=%s error=%s",
            call.operation,
            seller_id,
            call.status,
            call.request_id or "-",
            call.attempts,
            call.wait,
            call.duration,
            who,
            call.error or "-",
        )

    return note
