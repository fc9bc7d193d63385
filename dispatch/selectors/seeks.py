"""The different values of a column, each found by one step into its index, however many rows."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.db.models import Model, UUIDField

MANY = 2**31
_SQL = """
WITH RECURSIVE found(seller, value, nth) AS (
    SELECT s.id, (SELECT t.{column} FROM {table} t WHERE t.seller_id = s.id{more}
                  ORDER BY t.{column} LIMIT 1), 1
    FROM dispatch_seller s WHERE s.id IN ({sellers})
    UNION ALL
    SELECT found.seller, (SELECT t.{column} FROM {table} t WHERE t.seller_id = found.seller{more}
                          AND t.{column} > found.value ORDER BY t.{column} LIMIT 1), nth + 1
    FROM found WHERE found.value IS NOT NULL AND nth <= %s
)
SELECT DISTINCT value FROM found WHERE value IS NOT NULL
"""


def values_of(
    model: type[Model],
    column: str,
    sellers: Iterable[uuid.UUID],
    *,
    limit: int | None = 200,
    **where: str,
) -> list[Any]:
    """The first ``limit`` values of a column among these sellers' rows, in order; None for all.

    An index must begin with the seller, the columns of ``where`` and the column itself. Asking
    for DISTINCT would read all of it.
    """
    keys = [UUIDField().get_db_prep_value(seller, connection) for seller in sellers]
    if not keys:
        return []
    sql = _SQL.format(
        table=model._meta.db_table,
        column=column,
        more="".join(f" AND t.{name} = %s" for name in where),
        sellers=", ".join(["%s"] * len(keys)),
    )
    fixed = list(where.values())
    with connection.cursor() as cursor:
        cursor.execute(sql, [*fixed, *keys, *fixed, MANY if limit is None else limit])
        return sorted(value for (value,) in cursor.fetchall())[:limit]
