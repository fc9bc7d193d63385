"""Counts of lists, which stop at a bound: "10,000+" says as much as the number and stays cheap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import BooleanField, ExpressionWrapper, F, Q
from django.utils.formats import number_format

from dispatch.selectors.listing.access_paths import AccessPath, IndexScan
from dispatch.selectors.listing.conditions import reads_other_rows, residual_filter
from dispatch.selectors.listing.planner import path_for_count
from dispatch.selectors.listing.query import JobQuery
from dispatch.selectors.listing.sql import Sql, bounded_count, compiled, numbers

COUNT_BOUND = 10_000
"""Counting stops at this many jobs."""
MAX_LOOKUPS = 5_000
"""At most this many rows of an index scan are looked up elsewhere to count those that match."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many jobs there are; ``more`` if counting ended before the last."""

    number: int
    more: bool = False

    def __str__(self) -> str:
        number = number_format(self.number, force_grouping=True)
        return f"{number}+" if self.more else number


def count(query: JobQuery) -> Count:
    """Return how many jobs a query finds, up to `COUNT_BOUND` and `MAX_LOOKUPS`."""
    return count_each([query])[0]


def count_each(queries: Sequence[JobQuery]) -> list[Count]:
    """Return the count of each query, asked for in one statement in which equal ones stand once."""
    different = list(dict.fromkeys(queries))
    found = numbers([sql for query in different for sql in _statements(query)])
    counted = {
        query: Count(min(number, COUNT_BOUND), more=number > COUNT_BOUND or unseen > 0)
        for query, number, unseen in zip(different, found[::2], found[1::2], strict=True)
    }
    return [counted[query] for query in queries]


def _statements(query: JobQuery) -> tuple[Sql, Sql]:
    """Return two counts: the jobs that were met, and 1 if any row was left unseen."""
    met: list[Sql | None] = []
    unseen: list[Sql | None] = []
    may_duplicate = False
    for scope in query.scopes:
        path = path_for_count(query, scope)
        left = path.residual(query.conditions_in(scope))
        may_duplicate = may_duplicate or path.may_duplicate
        for scan in path.scans:
            matching = residual_filter(left, scope.sellers, scan.job_column)
            if reads_other_rows(left, scan.job_column):
                beyond = scan.all_rows().values(scan.job_column)[MAX_LOOKUPS : MAX_LOOKUPS + 1]
                unseen.append(compiled(beyond))
                met.append(_looked_up(scan, path, matching))
            else:
                keys = path.each_job_once(scan.all_rows(matching).values(scan.job_column))
                met.append(compiled(keys[: COUNT_BOUND + 1]))
    counted = bounded_count(met, COUNT_BOUND + 1, distinct=may_duplicate)
    return counted, bounded_count(unseen, 1)


def _looked_up(scan: IndexScan, path: AccessPath, matching: Q) -> Sql | None:
    """Return a statement for the matching jobs among the first `MAX_LOOKUPS` rows of a scan."""
    fits = ExpressionWrapper(matching, output_field=BooleanField())
    found = scan.all_rows().annotate(job_key=F(scan.job_column), fits=fits)
    rows = path.each_job_once(found.values_list("job_key", "fits"))
    first = compiled(rows[:MAX_LOOKUPS])
    if first is None:
        return None
    sql, params = first
    return f"SELECT job_key FROM ({sql}) seen WHERE fits LIMIT {COUNT_BOUND + 1}", params  # noqa: S608
