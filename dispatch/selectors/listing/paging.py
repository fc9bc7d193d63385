"""Pages by key: each is a few short index ranges, however far into the list it lies.

Each scan of an access path is read no further than a page reaches. The database merges them into
the keys of the page's rows, and the rows are then fetched by key.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection
from django.db.models import F, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce

from dispatch.models import ServiceJob
from dispatch.selectors.listing.access_paths import AccessPath, IndexScan
from dispatch.selectors.listing.conditions import TIME_COLUMNS, residual_filter
from dispatch.selectors.listing.cursors import moment, pack, unpack
from dispatch.selectors.listing.planner import path_for_page
from dispatch.selectors.listing.query import JobQuery, Scope
from dispatch.selectors.listing.sql import Sql, compiled, union

# The seller is not joined: that would make one of its own for each of fifty jobs.
WITH_BUYER = ServiceJob.objects.prefetch_related("seller").defer("payload")
WITHOUT_BUYER = WITH_BUYER.defer("buyer")


@dataclass(frozen=True, slots=True)
class Order:
    """A sort column that is never null, and its direction; ties go by primary key."""

    column: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """The rows of one page and the cursors of its neighbours, "" where there is none."""

    rows: list[ServiceJob]
    previous: str
    next: str


def page(
    query: JobQuery,
    order: Order,
    cursor: str,
    size: int,
    *,
    rows: QuerySet[ServiceJob] = WITHOUT_BUYER,
) -> Page:
    """Return the page of a list that a cursor names; the first one for "" or an unreadable cursor.

    ``rows`` says which columns are fetched, among them the one that the list is sorted by.
    """
    position = _position(cursor, order)
    backward = position is not None and position[0] == "before"
    direction = Order(order.column, order.descending != backward)
    keys = _keys(query, _Start(direction, *(position or ())[1:]), size + 1)
    more, keys = len(keys) > size, keys[:size]
    taken = _fetch(keys[::-1] if backward else keys, rows)
    has_previous = more if backward else position is not None
    has_next = True if backward else more
    return Page(
        rows=taken,
        previous=_cursor("before", taken[0], order) if taken and has_previous else "",
        next=_cursor("after", taken[-1], order) if taken and has_next else "",
    )


def all_jobs(
    query: JobQuery, order: Order, size: int = 500, *, rows: QuerySet[ServiceJob] = WITH_BUYER
) -> Iterator[ServiceJob]:
    """Yield all jobs of a list in order, read by pages; ``rows`` says which columns are fetched."""
    cursor, more = "", True
    while more:
        shown = page(query, order, cursor, size, rows=rows)
        yield from shown.rows
        cursor, more = shown.next, bool(shown.next)


@dataclass(frozen=True, slots=True)
class _Start:
    """Where a page starts: behind a row of the list, or at the beginning while ``pk`` is None."""

    order: Order
    value: Any = None
    pk: int | None = None

    def ranges(self, rows: QuerySet[Any], job_column: str) -> dict[str, QuerySet[Any]]:
        """Return the ranges of an index that can lie behind the start, by name.

        "all" are all rows, "ties" those with the start's own value, "later" those with another.
        """
        if self.pk is None:
            return {"all": rows}
        step = "lt" if self.order.descending else "gt"
        ties = {self.order.column: self.value, f"{job_column}__{step}": self.pk}
        later = {f"{self.order.column}__{step}": self.value}
        return {"all": rows, "ties": rows.filter(**ties), "later": rows.filter(**later)}

    def ranges_under(self, prefix: dict[str, Any]) -> tuple[str, ...]:
        """Return the names of the ranges that lie behind the start under one prefix."""
        if self.pk is None:
            return ("all",)
        if self.order.column not in prefix:
            return ("ties", "later")
        if prefix[self.order.column] == self.value:
            return ("ties",)
        later = (prefix[self.order.column] > self.value) != self.order.descending
        return ("all",) if later else ()


@dataclass(frozen=True, slots=True)
class _Slot:
    """A placeholder in a compiled statement for the value of a prefix column."""

    column: str


def _keys(query: JobQuery, start: _Start, size: int) -> list[int]:
    """Return the keys of the next jobs of a list behind a start."""
    arms: list[Sql] = []
    may_duplicate = False
    for scope in query.scopes:
        path = path_for_page(query, scope, start.order.column)
        may_duplicate = may_duplicate or path.may_duplicate
        for scan in path.scans:
            arms += _arms(query, scope, path, scan, start, size)
    if not arms:
        return []
    direction = "DESC" if start.order.descending else "ASC"
    sql, params = union(arms, distinct=may_duplicate)
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} ORDER BY 1 {direction}, 2 {direction} LIMIT {size}", params)
        return [key for _, key in cursor.fetchall()]


def _arms(
    query: JobQuery, scope: Scope, path: AccessPath, scan: IndexScan, start: _Start, size: int
) -> Iterator[Sql]:
    """Yield a statement for each range of a scan, in order and no longer than the page.

    Each kind of range is compiled once; under another prefix only the values differ.
    """
    if path.ordered_by != start.order.column:
        scan, start = _sorted(scan, start)
    elif not path.is_mergeable:
        scan = IndexScan(path.each_job_once(scan.all_rows()), job_column=scan.job_column)
    left = path.residual(query.conditions_in(scope))
    rows = scan.rows.filter(residual_filter(left, scope.sellers, scan.job_column))
    rows = rows.filter(**{name: RawSQL("%s", (_Slot(name),)) for name in scan.prefix})
    statements = {
        name: compiled(_in_order(part, start.order, scan.job_column)[:size])
        for name, part in start.ranges(rows, scan.job_column).items()
    }
    for prefix in _prefixes(scan):
        for name in start.ranges_under(prefix):
            sql, params = statements[name] or ("", ())
            if sql:
                yield sql, tuple(prefix[p.column] if isinstance(p, _Slot) else p for p in params)


def _in_order(rows: QuerySet[Any], order: Order, job_column: str) -> QuerySet[Any]:
    """Return the sort value and the job's key of each row, in order."""
    value = F(order.column)
    if order.descending:
        rows = rows.order_by(value.desc(), f"-{job_column}")
    else:
        rows = rows.order_by(value.asc(), job_column)
    return rows.values_list(value, job_column)


def _sorted(scan: IndexScan, start: _Start) -> tuple[IndexScan, _Start]:
    """Return a scan's jobs and the start in an order that no index seems to have.

    They are few and to be sorted; planners would rather walk an index that is in that order.
    """
    jobs = scan.all_rows()
    if scan.job_column != "pk":
        jobs = ServiceJob.objects.filter(pk__in=jobs.values(scan.job_column))
    column = start.order.column
    jobs = jobs.annotate(sort_key=Coalesce(column, column))
    return IndexScan(jobs), replace(start, order=Order("sort_key", start.order.descending))


def _prefixes(scan: IndexScan) -> Iterator[dict[str, Any]]:
    """Yield each combination of values of the prefix columns, as the database takes them."""
    fields = [scan.rows.model._meta.get_field(name) for name in scan.prefix]
    values = [
        [field.get_db_prep_value(value, connection) for value in scan.prefix[name]]
        for name, field in zip(scan.prefix, fields, strict=True)
    ]
    for chosen in itertools.product(*values):
        yield dict(zip(scan.prefix, chosen, strict=True))


def _fetch(keys: list[int], rows: QuerySet[ServiceJob]) -> list[ServiceJob]:
    found = rows.in_bulk(keys)
    return [found[key] for key in keys if key in found]


def _cursor(side: str, row: ServiceJob, order: Order) -> str:
    return pack(side, order.column, getattr(row, order.column), number=row.pk)


def _position(cursor: str, order: Order) -> tuple[str, Any, int] | None:
    """Read side, sort value and key from a cursor; None for nonsense or one of another order."""
    try:
        side, (column, value), pk = unpack(cursor)
        return (side, _typed(value, column), pk) if column == order.column else None
    except ValueError:
        return None


def _typed(value: Any, column: str) -> Any:
    """Return a cursor's sort value as its column's type; `ValueError` if it cannot be one."""
    if column == "scheduled_key":
        if type(value) is not int or not abs(value) < 2**63:
            raise ValueError("not a number of seconds")
        return value
    if column in TIME_COLUMNS:
        return moment(value)
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("not a text")
    value.encode()  # Half of a surrogate pair is no text either.
    return value
