"""Pages by key: each page is one index range, however far into the list it lies."""

from __future__ import annotations

import base64
import datetime as dt
import json
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, Q, QuerySet

M = TypeVar("M", bound=Model)

COUNT_BOUND = 10_000
"""Counting stops here: "10,000+" says as much and stays cheap."""


@dataclass(frozen=True, slots=True)
class Order:
    """A sort column that is never null, and its direction; ties go by primary key."""

    column: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    """Rows of one page and the cursors of its neighbours ("" where there is none)."""

    rows: list[M]
    previous: str
    next: str


def page(rows: QuerySet[M], order: Order, cursor: str, size: int) -> Page[M]:
    """The page of ``rows`` that a cursor names; the first one for "" or a cursor of no sense."""
    position = _decode(cursor, order)
    backward = position is not None and position[0] == "before"
    descending = order.descending != backward
    sign = "-" if descending else ""
    found = rows.order_by(f"{sign}{order.column}", f"{sign}pk")
    if position is not None:
        found = found.filter(_beyond(order.column, position[1], position[2], descending))
    taken = list(found[: size + 1])
    more, taken = len(taken) > size, taken[:size]
    if backward:
        taken.reverse()
    has_previous = more if backward else position is not None
    has_next = True if backward else more
    return Page(
        rows=taken,
        previous=_encode("before", taken[0], order) if taken and has_previous else "",
        next=_encode("after", taken[-1], order) if taken and has_next else "",
    )


def bounded_count(rows: QuerySet[Any]) -> int:
    """How many rows, counted no further than one beyond `COUNT_BOUND`."""
    return rows.order_by()[: COUNT_BOUND + 1].count()


def _beyond(column: str, value: Any, pk: int, descending: bool) -> Q:
    step = "lt" if descending else "gt"
    # The first condition alone lets the database begin at the right place of the index.
    return Q(**{f"{column}__{step}e": value}) & (
        Q(**{f"{column}__{step}": value}) | Q(**{column: value, f"pk__{step}": pk})
    )


def _encode(side: str, row: Model, order: Order) -> str:
    value = getattr(row, order.column)
    if isinstance(value, dt.datetime):
        value = value.isoformat()
    text = json.dumps([side, order.column, value, row.pk], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(cursor: str, order: Order) -> tuple[str, Any, int] | None:
    """Read a cursor from the address; anything but our own is no cursor."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        side, column, value, pk = json.loads(base64.urlsafe_b64decode(padded.encode()))
        if side not in ("before", "after") or column != order.column or type(pk) is not int:
            return None
        if not 0 < pk < 2**63:
            return None
        return side, _typed(value, column), pk
    except (ValueError, TypeError, OverflowError, RecursionError):
        return None


def _typed(value: Any, column: str) -> Any:
    if column == "scheduled_key":
        if type(value) is not int or not abs(value) < 2**63:
            raise ValueError("not a number of seconds")
        return value
    if column.endswith(("_key", "_at")):
        moment = dt.datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError("a moment without a zone")
        return moment.astimezone(dt.UTC)
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("not a text")
    value.encode()  # Half of a surrogate pair is no text either.
    return value
