"""Cursors of pages by key, as they stand in an address: a side of a row, and where the row is."""

from __future__ import annotations

import base64
import datetime as dt
import json
from typing import Any

SIDES = ("before", "after")


def pack(side: str, *place: Any, number: int) -> str:
    """Return the cursor of one of the `SIDES` of the row with this number; moments are aware."""
    values = [one.isoformat() if isinstance(one, dt.datetime) else one for one in place]
    text = json.dumps([side, *values, number], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def unpack(cursor: str) -> tuple[str, list[Any], int]:
    """Return the side, the place and the number of a cursor; `ValueError` if it is not one of ours.

    The values of the place can be anything: they come from an address.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        side, *place, number = json.loads(base64.urlsafe_b64decode(padded.encode()))
    except (TypeError, RecursionError) as error:
        raise ValueError("no cursor of ours") from error
    if side not in SIDES or type(number) is not int or not 0 < number < 2**63:
        raise ValueError("no cursor of ours")
    return side, place, number


def moment(value: Any) -> dt.datetime:
    """Return a packed moment in UTC; `ValueError` if it is none."""
    try:
        found = dt.datetime.fromisoformat(value)
        if found.tzinfo is not None:
            return found.astimezone(dt.UTC)
    except (TypeError, OverflowError) as error:
        raise ValueError("no moment") from error
    raise ValueError("a moment without a zone")
