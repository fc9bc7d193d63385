"""Pages by key: each page is a few short index ranges, however far into the list it lies.

A lead's strands are each read no further than a page reaches, and merged by the database; what
they give is the keys of the page's rows, which are then fetched. See `dispatch.selectors.cuts`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import itemgetter
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BooleanField, ExpressionWrapper, F, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce

from dispatch.models import ServiceJob
from dispatch.selectors.cursors import moment, pack, unpack
from dispatch.selectors.cuts import MONTHS, TIMES, Cut, Lead, Scope, Strand, leads, looks_up, rest

COUNT_BOUND = 10_000
"""Counting stops here: "10,000+" says as much and stays cheap."""
LOOK_UPS = 5_000
"""So many jobs are looked up at most to count those of which something else is true too."""
FEW = 5_000
"""Fewer jobs are sorted sooner than met among a million in the order of another index."""
FEW_IN_TIME = 20_000
"""The same for an order by time: there, jobs of one kind may all lie together at the far end."""
LEAD_BOUND = 50_000
"""How far leads are counted to find the one with the fewest jobs: 1 to 3 ms each."""
MOST_RANGES = 200
"""With more ranges than this the database sorts: reading so long a query would cost more."""

# The seller is not joined: that would make one of its own for each of fifty jobs.
WITH_BUYER = ServiceJob.objects.prefetch_related("seller").defer("payload")
WITHOUT_BUYER = WITH_BUYER.defer("buyer")
Sql = tuple[str, tuple[Any, ...]]
Way = tuple[int, Lead]
"""A lead, and how many jobs it gives."""


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
class Count:
    """How many jobs there are; ``more`` where counting ended before the last."""

    number: int
    more: bool = False

    def __str__(self) -> str:
        return f"{self.number:,}{'+' if self.more else ''}"


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
    cut: Cut,
    order: Order,
    cursor: str,
    size: int,
    *,
    rows: QuerySet[ServiceJob] = WITHOUT_BUYER,
) -> Page:
    """The page of a list that a cursor names; the first one for "" or a cursor of no sense.

    ``rows`` says which columns are fetched, among them the one that the list is in order of.
    """
    position = _position(cursor, order)
    backward = position is not None and position[0] == "before"
    direction = Order(order.column, order.descending != backward)
    keys = _keys(cut, Place(direction, *(position or ())[1:]), size + 1)
    more, keys = len(keys) > size, keys[:size]
    taken = _fetch(keys[::-1] if backward else keys, rows)
    has_previous = more if backward else position is not None
    has_next = True if backward else more
    return Page(
        rows=taken,
        previous=_cursor("before", taken[0], order) if taken and has_previous else "",
        next=_cursor("after", taken[-1], order) if taken and has_next else "",
    )


def every(
    cut: Cut, order: Order, size: int = 500, *, rows: QuerySet[ServiceJob] = WITH_BUYER
) -> Iterator[ServiceJob]:
    """All jobs of a list in order, by pages; ``rows`` as for `page`."""
    cursor, more = "", True
    while more:
        shown = page(cut, order, cursor, size, rows=rows)
        yield from shown.rows
        cursor, more = shown.next, bool(shown.next)


def count(cut: Cut) -> Count:
    """How many jobs, as far as that is cheap: see `COUNT_BOUND` and `LOOK_UPS`."""
    return counts([cut])[0]


def counts(cuts: Sequence[Cut]) -> list[Count]:
    """The same for several lists, in one query, in which each stands once."""
    different = list(dict.fromkeys(cuts))
    numbers = _numbers([sql for cut in different for sql in _count_sql(cut)])
    found = {
        cut: Count(min(number, COUNT_BOUND), more=number > COUNT_BOUND or unseen > 0)
        for cut, number, unseen in zip(different, numbers[::2], numbers[1::2], strict=True)
    }
    return [found[cut] for cut in cuts]


def together(parts: Sequence[QuerySet[Any]]) -> list[tuple[Any, ...]]:
    """The rows of several queries with the same columns, asked as one."""
    arms = [arm for arm in map(_compiled, parts) if arm]
    if not arms:
        return []
    with connection.cursor() as cursor:
        cursor.execute(*_union(arms, twice=False))
        return list(cursor.fetchall())


def _fetch(keys: list[int], rows: QuerySet[ServiceJob]) -> list[ServiceJob]:
    found = rows.in_bulk(keys)
    return [found[key] for key in keys if key in found]


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
    if lead.column != place.order.column:
        strand, place = _to_sort(strand, place)
    elif lead.ranges > MOST_RANGES:
        strand = Strand(_each(strand.whole(), lead), job=strand.job)
    key = F(place.order.column)
    rows = strand.rows.filter(rest(_left(cut, scope, lead), scope.sellers, strand.job))
    rows = rows.filter(**{name: RawSQL("%s", (_Slot(name),)) for name in strand.split})
    sign = "-" if place.order.descending else ""
    order = (key.desc() if sign else key.asc(), f"{sign}{strand.job}")
    compiled = {
        name: _compiled(part.order_by(*order).values_list(key, strand.job)[:size])
        for name, part in place.beyond(rows, strand.job).items()
    }
    for fixed in _fixed(strand):
        for name in place.ranges(fixed):
            sql, params = compiled[name] or ("", ())
            if sql:
                yield sql, tuple(fixed[p.column] if isinstance(p, _Slot) else p for p in params)


def _to_sort(strand: Strand, place: Place) -> tuple[Strand, Place]:
    """A strand's jobs, and the place in an order that no index seems to be in.

    They are few, so they are sorted; planners would rather walk an index that is in that order.
    """
    jobs = strand.whole()
    if strand.job != "pk":
        jobs = ServiceJob.objects.filter(pk__in=jobs.values(strand.job))
    column = place.order.column
    jobs = jobs.annotate(sort_key=Coalesce(column, column))
    return Strand(jobs), replace(place, order=Order("sort_key", place.order.descending))


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

    def in_order(lead: Lead) -> bool:
        return lead.column == column and lead.ranges <= MOST_RANGES

    def cost(way: Way) -> tuple[bool, int]:
        size, lead = way
        return not in_order(lead) and size >= _few(lead, column), size

    ways = _promising(leads(cut, scope, column), in_order)
    return min(_sized(cut, scope, ways), key=cost)[1]


def _few(lead: Lead, column: str) -> int:
    by_month = column == "scheduled_key" and lead.column in MONTHS
    return FEW_IN_TIME if column in TIMES and not by_month else FEW


def _lead_to_count(cut: Cut, scope: Scope) -> Lead:
    ways = _promising(leads(cut, scope, None), lambda lead: True)
    return min(_sized(cut, scope, ways), key=itemgetter(0))[1]


def _promising(ways: Sequence[Lead], in_order: Callable[[Lead], bool]) -> list[Lead]:
    """Without those that cannot lead to fewer jobs than another which is in order if they are."""
    found: list[Lead] = []
    for way in sorted(ways, key=lambda lead: len(lead.fulfils), reverse=True):
        if not any(
            {*way.fulfils} <= {*better.fulfils} and (in_order(better) or not in_order(way))
            for better in found
        ):
            found.append(way)
    return found


def _sized(cut: Cut, scope: Scope, ways: list[Lead]) -> list[Way]:
    """Each lead with the number of its jobs, as far as `LEAD_BOUND`.

    Not counted is a single one, nor one that has nothing of what is asked: it is long.
    """
    if len(ways) == 1:
        return [(0, ways[0])]
    asked = set(cut.within(scope))
    unsure = tuple(lead for lead in ways if not asked.isdisjoint(lead.fulfils))
    sizes = dict(zip(unsure, _sizes(scope, unsure), strict=True))
    return [(sizes.get(lead, LEAD_BOUND), lead) for lead in ways]


@lru_cache(maxsize=512)
def _sizes(scope: Scope, ways: tuple[Lead, ...]) -> list[int]:
    """How many jobs each of a scope's leads gives, remembered while nothing changes there."""
    arms = [[_compiled(s.whole().values(s.job)[:LEAD_BOUND]) for s in way.strands] for way in ways]
    return _numbers([_bounded(one, LEAD_BOUND) for one in arms])


def _count_sql(cut: Cut) -> tuple[Sql, Sql]:
    """How many jobs of a cut are met, and whether any were left unseen on the way."""
    met: list[Sql | None] = []
    unseen: list[Sql | None] = []
    twice = False
    for scope in cut.scopes:
        lead = _lead_to_count(cut, scope)
        left = _left(cut, scope, lead)
        twice = twice or lead.twice
        for strand in lead.strands:
            others = rest(left, scope.sellers, strand.job)
            if looks_up(left, strand.job):
                beyond = strand.whole().values(strand.job)[LOOK_UPS : LOOK_UPS + 1]
                unseen.append(_compiled(beyond))
                met.append(_looked_up(strand, lead, others))
            else:
                keys = _each(strand.whole(others).values(strand.job), lead)
                met.append(_compiled(keys[: COUNT_BOUND + 1]))
    return _bounded(met, COUNT_BOUND + 1, twice), _bounded(unseen, 1)


def _each(rows: QuerySet[Any], lead: Lead) -> QuerySet[Any]:
    """Each job once, also where a lead has it under several values."""
    return rows.distinct() if lead.twice else rows


def _looked_up(strand: Strand, lead: Lead, others: Q) -> Sql | None:
    """The jobs of which the others are true, among the first of a strand."""
    fits = ExpressionWrapper(others, output_field=BooleanField())
    rows = strand.whole().annotate(job_key=F(strand.job), fits=fits)
    compiled = _compiled(_each(rows.values_list("job_key", "fits"), lead)[:LOOK_UPS])
    if compiled is None:
        return None
    sql, params = compiled
    return f"SELECT job_key FROM ({sql}) seen WHERE fits LIMIT {COUNT_BOUND + 1}", params  # noqa: S608


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


def _cursor(side: str, row: ServiceJob, order: Order) -> str:
    return pack(side, order.column, getattr(row, order.column), number=row.pk)


def _position(cursor: str, order: Order) -> tuple[str, Any, int] | None:
    """Read a cursor from the address; one of another order, or not our own, is none."""
    try:
        side, (column, value), pk = unpack(cursor)
        return (side, _typed(value, column), pk) if column == order.column else None
    except ValueError:
        return None


def _typed(value: Any, column: str) -> Any:
    if column == "scheduled_key":
        if type(value) is not int or not abs(value) < 2**63:
            raise ValueError("not a number of seconds")
        return value
    if column in TIMES:
        return moment(value)
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("not a text")
    value.encode()  # Half of a surrogate pair is no text either.
    return value
