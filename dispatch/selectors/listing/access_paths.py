"""The access paths of a query: the indexes from which its jobs can be read.

Neither database walks ``seller IN (…) AND status IN (…)`` in the order of an index. So an access
path is a set of index scans, each with a prefix of columns; where every prefix column is one
value, the rows come in order. Conditions that a path does not cover are asked of each of its rows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

from django.db.models import Q, QuerySet

from dispatch.models import JobReference, JobWord, ServiceJob
from dispatch.models.jobs import month_of
from dispatch.selectors.listing.conditions import (
    Between,
    Condition,
    HasReference,
    HasWords,
    OneOf,
    Word,
    all_of,
    has_word,
    hashes_at,
    without_index,
)
from dispatch.selectors.listing.query import JobQuery, Scope
from dispatch.selectors.listing.skip_scan import distinct_values

MONTH_COLUMNS = {"created_key": "created_month", "changed_at": "changed_month"}
"""Time columns whose month has an index in which its jobs are in order of their appointments."""

MAX_RANGES = 200
"""Merging more ranges than this costs more than sorting: the statement becomes too long to read."""


@dataclass(frozen=True, slots=True)
class IndexScan:
    """Rows of one index that stand for jobs.

    ``prefix`` names the leading columns of the index with the values that each may have; under one
    value of each the rows are in order. ``job_column`` of the rows holds the job's key.
    """

    rows: QuerySet[Any]
    prefix: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    job_column: str = "pk"

    def all_rows(self, matching: Q | None = None) -> QuerySet[Any]:
        """Return the rows under all values of the prefix, in no order."""
        prefix = Q(**{f"{name}__in": values for name, values in self.prefix.items()})
        return self.rows.filter(prefix & matching if matching else prefix)


@dataclass(frozen=True, slots=True)
class AccessPath:
    """One way to read the jobs of a scope; two paths of a scope are equal if they cover the same.

    ``ordered_by`` is the column in whose order each range comes, "" for none. ``covers`` holds the
    conditions that are true of every job it gives. ``may_duplicate`` says that it can give the
    same job more than once, from several scans or under several values.
    """

    scans: tuple[IndexScan, ...] = field(compare=False)
    ordered_by: str
    covers: tuple[Condition, ...]
    may_duplicate: bool = False

    @property
    def range_count(self) -> int:
        """The number of ordered ranges that must be merged to read the path in order."""
        return sum(prod(map(len, scan.prefix.values())) for scan in self.scans)

    @property
    def is_mergeable(self) -> bool:
        """Whether its ranges are few enough to be merged."""
        return self.range_count <= MAX_RANGES

    def residual(self, conditions: Iterable[Condition]) -> list[Condition]:
        """Return those of the conditions that the path does not cover."""
        return [one for one in conditions if one not in self.covers]

    def each_job_once(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Return rows of one of its scans without the duplicates that it may give."""
        return rows.distinct() if self.may_duplicate else rows


def access_paths(query: JobQuery, scope: Scope, column: str | None) -> list[AccessPath]:
    """Return the ways to read a query in a scope, sorted by ``column`` or (None) in no order.

    Those that seem to lead to fewer jobs come first, as far as that can be told without counting.
    """
    conditions = query.conditions_in(scope)
    indexes = _Indexes(query, scope, conditions)
    spans = dict.fromkeys(one.column for one in conditions if isinstance(one, Between))
    found = [indexes.by_reference(one) for one in conditions if isinstance(one, HasReference)]
    found += [indexes.by_words(one) for one in conditions if isinstance(one, HasWords)]
    found += [
        indexes.by_value(one)
        for one in conditions
        if isinstance(one, OneOf) and one.column != "status"
    ]
    found += [indexes.by_time(name) for name in spans if name != column]
    if column == "scheduled_key":
        found += [indexes.by_month(name) for name in spans if name in MONTH_COLUMNS]
    if column or not found:
        found.append(indexes.by_time(column or "scheduled_key"))
    return found


class _Indexes:
    """The indexes over one scope, each as an access path for the conditions of a query.

    Every index carries the status, and most of them ``scheduled_key``: so a path also covers the
    statuses, and the spans of the column that it is in order of.
    """

    def __init__(self, query: JobQuery, scope: Scope, conditions: list[Condition]) -> None:
        wanted = query.statuses
        self.sellers = scope.sellers
        self.statuses = [s for s in scope.facets.statuses if wanted is None or s in wanted]
        self.prefix: dict[str, Sequence[Any]] = {
            "seller_id": self.sellers,
            "status": self.statuses,
        }
        self.spans = [one for one in conditions if isinstance(one, Between)]
        self.status = tuple(o for o in conditions if isinstance(o, OneOf) and o.column == "status")

    def by_time(self, column: str) -> AccessPath:
        """Jobs in order of a sort column, within its spans."""
        spans, bounds = self._bounds(column)
        scan = IndexScan(ServiceJob.objects.filter(bounds), self.prefix)
        return AccessPath((scan,), column, self.status + spans)

    def by_month(self, column: str) -> AccessPath:
        """Jobs of the months that a column's spans touch, in order of their appointments."""
        name = MONTH_COLUMNS[column]
        months = distinct_values(ServiceJob, name, self.sellers, limit=None)
        for span in self._bounds(column)[0]:
            months = _months_within(span, months)
        scan = IndexScan(ServiceJob.objects.all(), {"seller_id": self.sellers, name: months})
        return AccessPath((scan,), "scheduled_key", (OneOf(name, frozenset(months)),))

    def by_value(self, one: OneOf) -> AccessPath:
        """Jobs with some values of a column; an order id's index is in no order of a list."""
        column = "" if one.column == "service_order_id" else "scheduled_key"
        spans, bounds = self._bounds(column)
        prefix = {**self.prefix, one.column: sorted(one.values)}
        scan = IndexScan(ServiceJob.objects.filter(bounds), prefix)
        return AccessPath((scan,), column, (one, *self.status, *spans))

    def by_reference(self, one: HasReference) -> AccessPath:
        """References of a kind, which carry their job's status and ``scheduled_key``."""
        spans, bounds = self._bounds("scheduled_key")
        rows = JobReference.objects.filter(bounds, kind=one.kind)
        scan = IndexScan(rows, {**self.prefix, "value": one.values}, "job_id")
        covers: tuple[Condition, ...] = (one, *self.status, *spans)
        return AccessPath((scan,), "scheduled_key", covers, may_duplicate=len(one.values) > 1)

    def by_words(self, one: HasWords) -> AccessPath:
        """Words, which carry their job's status and ``scheduled_key``; and jobs by their keys."""
        spans, bounds = self._bounds("scheduled_key")
        scans = [self._phrase(phrase, bounds) for phrase in one.phrases]
        if one.jobs:
            mine = without_index(Q(seller__in=self.sellers, status__in=self.statuses))
            scans.append(IndexScan(ServiceJob.objects.filter(bounds & mine, pk__in=one.jobs)))
        covers: tuple[Condition, ...] = (one, *self.status, *spans)
        return AccessPath(tuple(scans), "scheduled_key", covers, may_duplicate=len(scans) > 1)

    def _phrase(self, words: tuple[Word, ...], bounds: Q) -> IndexScan:
        """Rows of a phrase's first word whose jobs hold its other words too."""
        first, *others = words
        with_others = all_of(has_word(word, self.sellers, "job_id") for word in others)
        rows = JobWord.objects.filter(bounds & with_others)
        hashes = hashes_at(first, self.sellers)
        return IndexScan(rows, {"word_hash": hashes, "status": self.statuses}, "job_id")

    def _bounds(self, column: str) -> tuple[tuple[Between, ...], Q]:
        """Return the spans of a column, and the filter that keeps a scan within them."""
        spans = tuple(span for span in self.spans if span.column == column)
        return spans, all_of(span.column_filter() for span in spans)


def _months_within(span: Between, months: list[int]) -> list[int]:
    """Return the months, such as 202611, that a span of moments touches."""
    first, last = (
        month_of(side) if isinstance(side, dt.datetime) else None for side in (span.first, span.end)
    )
    return [month for month in months if (first or month) <= month <= (last or month)]
