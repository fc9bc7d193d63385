"""Pages by key: each page is a few short index ranges, however far into the list it lies.

A lead's strands are each read no further than a page reaches, and merged by the database; what
they give is the keys of the page's rows, which are then fetched. See `dispatch.selectors.cuts`.
"""

from __future__ import annotations

import base64
import datetime as dt
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import F, QuerySet
from django.db.models.expressions import RawSQL

from dispatch.models import ServiceJob
from dispatch.selectors.cuts import TIMES, Cut, Lead, Scope, Strand, leads, rest

COUNT_BOUND = 10_000
"""Counting stops here: "10,000+" says as much and stays cheap."""
LEAD_BOUND = 50_000
"""How far leads are counted to find the one with the fewest jobs: about 3 ms each."""
FEW = 5_000
"""So many jobs are sorted sooner than met among a million in the order of another index."""
FEW_IN_TIME = 20_000
"""The same for an order by time: there, jobs of one kind may all lie together at the far end."""
MOST_ARMS = 200
"""With more ranges than this the database sorts: reading so long a query would cost more."""

SEALED = ("payload", "buyer")
Sql = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Order:
    """A sort column that is never null, and its direction; ties go by primary key."""

    column: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of one page and the cursors of its neighbours ("" where there is none)."""

    rows: list[ServiceJob]
    previous: str
    next: str


@dataclass(frozen=True, slots=True)
class Place:
    """What lies beyond a row in one direction; everything while ``pk`` is None."""

    order: Order
    value: Any = None
    pk: int | None = None

    def beyond(self, rows: QuerySet[Any], job: str) -> dict[str, QuerySet[Any]]:
        """The rows as ranges of an index: those tied with the place, and those that follow."""
        if self.pk is None:
            return {"all": rows}
        step = "lt" if self.order.descending else "gt"
        ties = {self.order.column: self.value, f"{job}__{step}": self.pk}
        later = {f"{self.order.column}__{step}": self.value}
        return {"all": rows, "ties": rows.filter(**ties), "later": rows.filter(**later)}

    def ranges(self, fixed: dict[str, Any]) -> tuple[str, ...]:
        """Which of these ranges a strand has, given the columns that are one value in it."""
        if self.pk is None:
            return ("all",)
        if self.order.column not in fixed:
            return ("ties", "later")
        if fixed[self.order.column] == self.value:
            return ("ties",)
        later = (fixed[self.order.column] > self.value) != self.order.descending
        return ("all",) if later else ()


@dataclass(frozen=True, slots=True)
class _Slot:
    """Stands in a compiled query for the value of a column."""

    column: str


def page(
    cut: Cut, order: Order, cursor: str, size: int, *, without: Sequence[str] = SEALED
) -> Page:
    """The page of a list that a cursor names; the first one for "" or a cursor of no sense.

    Columns ``without`` which a page can be shown are left in the database.
    """
    position = _decode(cursor, order)
    backward = position is not None and position[0] == "before"
    direction = Order(order.column, order.descending != backward)
    keys = _keys(cut, Place(direction, *(position or ())[1:]), size + 1)
    more, keys = len(keys) > size, keys[:size]
    taken = _fetch(keys[::-1] if backward else keys, without)
    has_previous = more if backward else position is not None
    has_next = True if backward else more
    return Page(
        rows=taken,
        previous=_encode("before", taken[0], order) if taken and has_previous else "",
        next=_encode("after", taken[-1], order) if taken and has_next else "",
    )


def every(cut: Cut, order: Order, size: int = 500) -> Iterator[ServiceJob]:
    """All jobs of a list in order with their buyers, read page by page."""
    cursor, more = "", True
    while more:
        shown = page(cut, order, cursor, size, without=("payload",))
        yield from shown.rows
        cursor, more = shown.next, bool(shown.next)


def count(cut: Cut) -> int:
    """How many jobs, counted no further than one beyond `COUNT_BOUND`."""
    return counts([cut])[0]


def counts(cuts: Sequence[Cut]) -> list[int]:
    """The same for several lists, in one query."""
    return _numbers([_count_sql(cut) for cut in cuts])


def together(parts: Sequence[QuerySet[Any]]) -> list[tuple[Any, ...]]:
    """The rows of several queries with the same columns, asked as one."""
    arms = [arm for arm in map(_compiled, parts) if arm]
    if not arms:
        return []
    with connection.cursor() as cursor:
        cursor.execute(*_union(arms, twice=False))
        return list(cursor.fetchall())


def _fetch(keys: list[int], without: Sequence[str]) -> list[ServiceJob]:
    # Not joined: that would make a seller of their own for each of fifty jobs.
    rows = ServiceJob.objects.prefetch_related("seller").defer(*without).in_bulk(keys)
    return [rows[key] for key in keys if key in rows]


def _keys(cut: Cut, place: Place, size: int) -> list[int]:
    """The next keys of a list beyond a place."""
    arms: list[Sql] = []
    twice = False
    for scope in cut.scopes:
        lead = _lead_to_page(cut, scope, place.order.column)
        twice = twice or lead.twice
        for strand in lead.strands:
            arms += _ranges(cut, scope, lead, strand, place, size)
    if not arms:
        return []
    direction = "DESC" if place.order.descending else "ASC"
    sql, params = _union(arms, twice)
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} ORDER BY 1 {direction}, 2 {direction} LIMIT {size}", params)
        return [key for _, key in cursor.fetchall()]


def _ranges(
    cut: Cut, scope: Scope, lead: Lead, strand: Strand, place: Place, size: int
) -> Iterator[Sql]:
    """What a page needs of a strand: index ranges, each in order and no longer than the page.

    One query is compiled for all of them; only the values differ.
    """
    key: Any = F(place.order.column)
    if _sortable(lead, place.order.column):
        # Not the plain column, which has an index of its own for the planner to walk instead.
        strand, key = Strand(strand.whole()), key + 0
    elif lead.column != place.order.column:
        strand = Strand(ServiceJob.objects.filter(pk__in=strand.whole().values(strand.job)))
    every_fixed = list(_fixed(strand))
    if len(every_fixed) > MOST_ARMS:
        strand, every_fixed = Strand(strand.whole(), job=strand.job), [{}]
    rows = strand.rows.filter(rest(_left(cut, scope, lead), scope.sellers, strand.job))
    rows = rows.filter(**{name: RawSQL("%s", (_Slot(name),)) for name in strand.split})
    sign = "-" if place.order.descending else ""
    compiled = {
        name: _compiled(
            part.order_by(key.desc() if sign else key.asc(), f"{sign}{strand.job}").values_list(
                key, strand.job
            )[:size]
        )
        for name, part in place.beyond(rows, strand.job).items()
    }
    for fixed in every_fixed:
        for name in place.ranges(fixed):
            sql, params = compiled[name] or ("", ())
            if sql:
                yield sql, tuple(fixed[p.column] if isinstance(p, _Slot) else p for p in params)


def _fixed(strand: Strand) -> Iterator[dict[str, Any]]:
    """Each way of making every split column one value, as the database takes it."""
    fields = [strand.rows.model._meta.get_field(name) for name in strand.split]
    values = [
        [field.get_db_prep_value(value, connection) for value in strand.split[name]]
        for name, field in zip(strand.split, fields, strict=True)
    ]
    for chosen in itertools.product(*values):
        yield dict(zip(strand.split, chosen, strict=True))


def _left(cut: Cut, scope: Scope, lead: Lead) -> list[Any]:
    return [one for one in cut.within(scope) if one not in lead.fulfils]


def _lead_to_page(cut: Cut, scope: Scope, column: str) -> Lead:
    """The lead to a page in order of a column: in that order, or of so few jobs that they sort."""
    few = FEW_IN_TIME if column in TIMES else FEW
    ways = _sized(cut, scope, leads(cut, scope, column))
    usable = [
        way for way in ways if way[1].column == column or way[0] <= few or _sortable(way[1], column)
    ]
    return min(usable, key=lambda way: way[0])[1]


def _sortable(lead: Lead, column: str) -> bool:
    """Whether its index also holds the column, so that its entries sort without their rows."""
    return column == "scheduled_key" and lead.column in ("created_key", "changed_at")


def _lead_to_count(cut: Cut, scope: Scope) -> Lead:
    ways = _sized(cut, scope, leads(cut, scope, "scheduled_key"))
    return min(ways, key=lambda way: way[0])[1]


def _sized(cut: Cut, scope: Scope, ways: list[Lead]) -> list[tuple[int, Lead]]:
    """Each lead with the number of its jobs, as far as `LEAD_BOUND`; a single one uncounted."""
    if len(ways) == 1:
        return [(0, ways[0])]
    keys = [(scope.sellers, lead.column, lead.fulfils) for lead in ways]
    unknown = [nth for nth, key in enumerate(keys) if key not in cut.sizes]
    sizes = _numbers([_size_sql(ways[nth]) for nth in unknown])
    cut.sizes.update((keys[nth], size) for nth, size in zip(unknown, sizes, strict=True))
    return [(cut.sizes[key], lead) for key, lead in zip(keys, ways, strict=True)]


def _size_sql(lead: Lead) -> Sql:
    arms = [_compiled(strand.whole().values(strand.job)[:LEAD_BOUND]) for strand in lead.strands]
    return _bounded(arms, LEAD_BOUND)


def _count_sql(cut: Cut) -> Sql:
    arms: list[Sql | None] = []
    twice = False
    for scope in cut.scopes:
        lead = _lead_to_count(cut, scope)
        twice = twice or lead.twice
        for strand in lead.strands:
            others = rest(_left(cut, scope, lead), scope.sellers, strand.job)
            arms.append(_compiled(strand.whole(others).values(strand.job)[: COUNT_BOUND + 1]))
    return _bounded(arms, COUNT_BOUND + 1, twice)


def _bounded(arms: Iterable[Sql | None], bound: int, twice: bool = False) -> Sql:
    """A query for how many rows the arms have together, counted to the bound."""
    filled = [arm for arm in arms if arm]
    if not filled:
        return "SELECT 0", ()
    sql, params = _union(filled, twice)
    return f"SELECT COUNT(*) FROM ({sql} LIMIT {bound}) counted", params  # noqa: S608


def _union(arms: Sequence[Sql], twice: bool) -> Sql:
    """The rows of all arms; each once where a job may stand in several."""
    # SQLite takes an ordered or limited part of a union only inside a SELECT of its own.
    text = (" UNION " if twice else " UNION ALL ").join(
        f"SELECT * FROM ({sql}) arm"  # noqa: S608
        for sql, _ in arms
    )
    return text, tuple(itertools.chain.from_iterable(params for _, params in arms))


def _numbers(queries: Sequence[Sql]) -> list[int]:
    """The one number that each query gives, asked together."""
    if not queries:
        return []
    columns = ", ".join(f"({sql})" for sql, _ in queries)
    params = [value for _, values in queries for value in values]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns}", params)
        return list(cursor.fetchone())


def _compiled(rows: QuerySet[Any]) -> Sql | None:
    """A query as text and values; None for one that can find nothing."""
    try:
        sql, params = rows.query.sql_with_params()
    except EmptyResultSet:
        return None
    return sql, tuple(params)


def _encode(side: str, row: ServiceJob, order: Order) -> str:
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
