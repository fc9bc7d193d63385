"""Statements made of several of Django's queries, which Django itself cannot put together."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

Sql = tuple[str, tuple[Any, ...]]
"""The text of a statement with placeholders, and their values."""


def compiled(rows: QuerySet[Any]) -> Sql | None:
    """Return a query as text and values; None for a query that can find nothing."""
    try:
        sql, params = rows.query.sql_with_params()
    except EmptyResultSet:
        return None
    return sql, tuple(params)


def union(arms: Sequence[Sql], *, distinct: bool) -> Sql:
    """Return a statement for the rows of all arms; ``distinct`` gives equal rows once."""
    # SQLite takes an ordered or limited part of a union only inside a SELECT of its own.
    text = (" UNION " if distinct else " UNION ALL ").join(
        f"SELECT * FROM ({sql}) arm"  # noqa: S608
        for sql, _ in arms
    )
    return text, tuple(itertools.chain.from_iterable(params for _, params in arms))


def bounded_count(arms: Iterable[Sql | None], bound: int, *, distinct: bool = False) -> Sql:
    """Return a statement for how many rows the arms have together, counted to the bound."""
    filled = [arm for arm in arms if arm]
    if not filled:
        return "SELECT 0", ()
    sql, params = union(filled, distinct=distinct)
    return f"SELECT COUNT(*) FROM ({sql} LIMIT {bound}) counted", params  # noqa: S608


def numbers(statements: Sequence[Sql]) -> list[int]:
    """Return the one number that each statement gives, asked for in one round trip."""
    if not statements:
        return []
    columns = ", ".join(f"({sql})" for sql, _ in statements)
    params = [value for _, values in statements for value in values]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns}", params)
        return list(cursor.fetchone())


def rows_of_all(parts: Sequence[QuerySet[Any]]) -> list[tuple[Any, ...]]:
    """Return the rows of several queries with the same columns, asked for in one round trip."""
    arms = [arm for arm in map(compiled, parts) if arm]
    if not arms:
        return []
    with connection.cursor() as cursor:
        cursor.execute(*union(arms, distinct=False))
        return list(cursor.fetchall())
