"""The choice of an access path: the one that gives the fewest jobs, or gives them in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import itemgetter

from dispatch.selectors.listing.access_paths import MONTH_COLUMNS, AccessPath, access_paths
from dispatch.selectors.listing.conditions import TIME_COLUMNS
from dispatch.selectors.listing.query import JobQuery, Scope
from dispatch.selectors.listing.sql import bounded_count, compiled, numbers

MAX_SORT = 5_000
"""Fewer jobs than this are sorted sooner than met among a million in another index's order."""
MAX_SORT_BY_TIME = 20_000
"""The bound of a sort by a time column: there, matching jobs may all lie at the far end."""
ESTIMATE_BOUND = 50_000
"""Paths are counted so far to find the one with the fewest jobs: 1 to 3 ms each."""

Estimate = tuple[int, AccessPath]
"""How many jobs a path gives, at most `ESTIMATE_BOUND`, and the path."""


def path_for_page(query: JobQuery, scope: Scope, column: str) -> AccessPath:
    """Return the path for a page sorted by a column: in order, or of few enough jobs to sort."""

    def in_order(path: AccessPath) -> bool:
        return path.ordered_by == column and path.is_mergeable

    def cost(estimate: Estimate) -> tuple[bool, int]:
        size, path = estimate
        return not in_order(path) and size >= _max_sort(path, column), size

    paths = _without_inferior(access_paths(query, scope, column), in_order)
    return min(_estimated(query, scope, paths), key=cost)[1]


def path_for_count(query: JobQuery, scope: Scope) -> AccessPath:
    """Return the path that gives the fewest jobs."""
    paths = _without_inferior(access_paths(query, scope, None), lambda path: True)
    return min(_estimated(query, scope, paths), key=itemgetter(0))[1]


def _max_sort(path: AccessPath, column: str) -> int:
    has_month_path = column == "scheduled_key" and path.ordered_by in MONTH_COLUMNS
    return MAX_SORT_BY_TIME if column in TIME_COLUMNS and not has_month_path else MAX_SORT


def _without_inferior(
    paths: Sequence[AccessPath], in_order: Callable[[AccessPath], bool]
) -> list[AccessPath]:
    """Leave out each path for which another covers at least as much and is in order if it is."""
    found: list[AccessPath] = []
    for path in sorted(paths, key=lambda path: len(path.covers), reverse=True):
        if not any(
            {*path.covers} <= {*better.covers} and (in_order(better) or not in_order(path))
            for better in found
        ):
            found.append(path)
    return found


def _estimated(query: JobQuery, scope: Scope, paths: list[AccessPath]) -> list[Estimate]:
    """Return each path with its number of jobs, counted to `ESTIMATE_BOUND`.

    A single path needs no count, and one that covers no condition is taken to be long.
    """
    if len(paths) == 1:
        return [(0, paths[0])]
    asked = set(query.conditions_in(scope))
    unsure = tuple(path for path in paths if not asked.isdisjoint(path.covers))
    sizes = dict(zip(unsure, _sizes(scope, unsure), strict=True))
    return [(sizes.get(path, ESTIMATE_BOUND), path) for path in paths]


@lru_cache(maxsize=512)
def _sizes(scope: Scope, paths: tuple[AccessPath, ...]) -> list[int]:
    """Return how many jobs each path gives; kept in memory while the scope's facets are the same.

    The facets carry the sellers' revisions, so any change to their jobs makes another scope.
    """
    arms = [
        [compiled(scan.all_rows().values(scan.job_column)[:ESTIMATE_BOUND]) for scan in path.scans]
        for path in paths
    ]
    return numbers([bounded_count(one, ESTIMATE_BOUND) for one in arms])
