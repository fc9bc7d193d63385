"""How long a test waits at most, in one place.

A test waits for a state, never for a time. A limit only ends what would never end, so it is far
beyond what a slow machine needs that does other work as well.
"""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 60.0
"""Seconds within which a page, a process or a server must have done what a test waits for."""
AT_ONCE = 15.0
"""Seconds that still count as "at once" here, where the wrong way would never come to an end."""
HASTY = 2.0
"""Seconds after which a client that must give up gives up; all else is answered sooner."""


def wait_until(
    true: Callable[[], object], what: str, nap: Callable[[float], object] = time.sleep
) -> None:
    """Return when ``true()`` is so; ``what`` is named where it does not happen in time."""
    until = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < until, f"{what} did not happen in {PATIENCE:.0f} s"
        nap(0.03)
