"""Decides whether a failed attempt is repeated: one pure function, jitter apart.

429 always (the request was refused); 500, 502, 503, 504 and lost answers only where a repeat is
harmless; what was never sent always. A write that ends without a clear answer is an unknown
outcome, also when an earlier attempt left the doubt: after a lost answer a second
"complete" is refused with 422 although, or because, the first one worked.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from dispatch.spapi.operations import Operation
from dispatch.spapi.transport import FaultKind

PASSING: Final = frozenset({500, 502, 503, 504})
THROTTLED: Final = 429


@dataclass(frozen=True, slots=True)
class Policy:
    """Bounds retries, in seconds.

    No attempt starts after ``deadline``. Waits double from ``base`` on and end at ``cap``.
    """

    attempts: int = 5
    deadline: float = 20.0
    base: float = 0.25
    cap: float = 8.0


DEFAULT: Final = Policy()


@dataclass(frozen=True, slots=True)
class Retry:
    """Says to try again after a delay drawn from these bounds, in seconds."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Says to raise the problem as it is."""


@dataclass(frozen=True, slots=True)
class OutcomeUnknown:
    """Says to raise SellingApiOutcomeUnknown with this cause."""

    cause: str


Decision = Retry | GiveUp | OutcomeUnknown


def decide(
    operation: Operation,
    *,
    attempt: int,
    elapsed: float,
    status: int = 0,
    fault: FaultKind | None = None,
    doubt: str = "",
    retry_after: float = 0.0,
    policy: Policy = DEFAULT,
) -> Decision:
    """Decide what to do after attempt number ``attempt`` (from 1), ``elapsed`` seconds in.

    ``status`` or ``fault`` says how the attempt ended; ``doubt`` is the cause left by earlier
    attempts, ``retry_after`` what the server asked for in seconds.
    """
    doubt = doubt_of(operation, status, fault) or doubt
    if may_repeat(operation, status, fault) and attempt < policy.attempts:
        delay = backoff(attempt, policy, max(retry_after, _pace(operation, status)))
        left = policy.deadline - elapsed
        if delay.low < left:
            return Retry(delay.low, min(delay.high, left))
    return OutcomeUnknown(doubt) if doubt else GiveUp()


def may_repeat(operation: Operation, status: int, fault: FaultKind | None) -> bool:
    """Tell whether sending the request again can help and cannot harm."""
    if fault is FaultKind.NOT_SENT or status == THROTTLED:
        return True
    return operation.repeatable and (fault is FaultKind.LOST or status in PASSING)


def doubt_of(operation: Operation, status: int, fault: FaultKind | None) -> str:
    """Say why nobody knows whether a write was done; empty when it is known."""
    if not operation.writes:
        return ""
    if fault in (FaultKind.LOST, FaultKind.TOO_LARGE, FaultKind.UNREADABLE):
        return str(fault.value)
    return f"HTTP {status}" if status >= 500 else ""


def backoff(attempt: int, policy: Policy, at_least: float = 0.0) -> Retry:
    """Return the bounds of the delay after attempt number ``attempt``, in seconds.

    The upper one doubles from ``base`` on and ends at ``cap``. ``at_least`` is the lower one, below
    which a repeat cannot succeed.
    """
    high = min(policy.cap, policy.base * 2.0 ** (attempt - 1))
    return Retry(at_least, max(high, at_least * 1.25))


def _pace(operation: Operation, status: int) -> float:
    return 1 / operation.rate if status == THROTTLED else 0.0


def jittered(delay: Retry) -> float:
    """Draw a delay within the bounds, so that many clients do not come back at once."""
    return random.uniform(delay.low, delay.high)  # noqa: S311
