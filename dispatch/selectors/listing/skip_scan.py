"""A skip scan: the distinct values of a column, each found by one seek into its index."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.db.models import Model, UUIDField

NO_LIMIT = 2**31
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


def distinct_values(
    model: type[Model],
    column: str,
    sellers: Iterable[uuid.UUID],
    *,
    limit: int | None = 200,
    **where: str,
) -> list[Any]:
    """Return the first ``limit`` values of a column in these sellers' rows, in order; None for all.

    ``where`` fixes other columns to one value each. An index must begin with the seller, then
    these columns, then the column itself: where DISTINCT reads all of it, this seeks once a value.
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
        cursor.execute(sql, [*fixed, *keys, *fixed, NO_LIMIT if limit is None else limit])
        return sorted(value for (value,) in cursor.fetchall())[:limit]
