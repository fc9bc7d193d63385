"""Writes rows by the thousand: no model instance and no piece of SQL for each.

A job comes with some thirty rows, most of them words; made one by one as instances, they cost
several times what the database takes to keep them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, partial
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.types.json import Jsonb

from dispatch.models.fields import SealedTextField

Row = tuple[Any, ...]
_MOST_VALUES = 999
"""What every SQLite takes in one statement."""
_AS_THEY_ARE = (
    models.BigIntegerField,
    models.CharField,
    models.PositiveIntegerField,
    models.PositiveSmallIntegerField,
)


class Rows:
    """A table of which rows hold some fields of a model, in an order.

    To PostgreSQL they are copied, or go as one text in one statement; to SQLite value by value.
    """

    def __init__(self, model: type[models.Model], *names: str) -> None:
        self.model, self.names = model, names
        self._fields = [_field(model, name) for name in names]
        self._columns: list[str] = [field.column for field in self._fields]
        self._table = f'"{model._meta.db_table}"'
        self._into = f"{self._table} ({_listed(self._columns)})"
        self._places = f"({', '.join(['%s'] * len(names))})"

    def insert(self, rows: Iterable[Row]) -> None:
        """Add rows. Raises IntegrityError where one is there already."""
        here = connections[DEFAULT_DB_ALIAS]
        ready = self._ready(here, rows)
        if not ready:
            return
        # Django wraps by itself the errors of all but COPY.
        with here.wrap_database_errors, here.cursor() as cursor:
            if here.vendor == "postgresql":
                _copy(cursor, self._into, ready)
            else:
                insert = f"INSERT INTO {self._into} VALUES {self._places}"  # noqa: S608
                cursor.executemany(insert, ready)

    def insert_new(self, rows: Iterable[Row], *, returning: Sequence[str]) -> list[Row]:
        """Add rows, except those that would break a constraint; gives back what was added."""
        here, added = connections[DEFAULT_DB_ALIAS], list[Row]()
        back = _listed(_field(self.model, name).column for name in returning)
        end = f"ON CONFLICT DO NOTHING RETURNING {back}"
        with here.cursor() as cursor:
            for source, values in self._sources(here, rows):
                cursor.execute(f"INSERT INTO {self._into} {source} {end}", values)
                added += cursor.fetchall()
        return added

    def update(self, rows: Iterable[Row], *, by: int) -> None:
        """Write each row over those rows whose last ``by`` fields are the same."""
        values, same = self._columns[:-by], self._columns[-by:]
        change = f"UPDATE {self._table} SET {{values}}"  # noqa: S608
        self._change(change, "FROM", values, same, rows)

    def delete(self, rows: Iterable[Row]) -> None:
        """Take away the rows that have exactly these fields."""
        change = f"DELETE FROM {self._table}"  # noqa: S608
        self._change(change, "USING", [], self._columns, rows)

    def _sources(
        self, here: BaseDatabaseWrapper, rows: Iterable[Row]
    ) -> Iterator[tuple[str, list[Any]]]:
        """Yield what an INSERT takes its rows from, with the values that belong to it."""
        ready = self._ready(here, rows)
        if here.vendor == "postgresql":
            if ready:
                yield f"SELECT * FROM {self._recordset}", [self._text(ready)]  # noqa: S608
            return
        size = _MOST_VALUES // len(self._columns)
        for some in (ready[start : start + size] for start in range(0, len(ready), size)):
            yield (
                f"VALUES {', '.join([self._places] * len(some))}",
                [v for one in some for v in one],
            )

    def _change(
        self, what: str, joint: str, values: list[str], same: list[str], rows: Iterable[Row]
    ) -> None:
        here = connections[DEFAULT_DB_ALIAS]
        ready = self._ready(here, rows)
        if not ready:
            return
        with here.cursor() as cursor:
            if here.vendor == "postgresql":
                what = what.format(values=", ".join(f'"{name}" = new."{name}"' for name in values))
                found = " AND ".join(f'{self._table}."{name}" = new."{name}"' for name in same)
                new = f"{joint} {self._recordset}"
                cursor.execute(f"{what} {new} WHERE {found}", [self._text(ready)])
            else:
                what = what.format(values=", ".join(f'"{name}" = %s' for name in values))
                found = " AND ".join(f'"{name}" = %s' for name in same)
                cursor.executemany(f"{what} WHERE {found}", ready)

    @cached_property
    def _recordset(self) -> str:
        here = connections[DEFAULT_DB_ALIAS]
        columns = (f'"{field.column}" {field.rel_db_type(here)}' for field in self._fields)
        return f"json_to_recordset(%s) AS new({', '.join(columns)})"

    def _text(self, rows: Iterable[Sequence[Any]]) -> str:
        return json.dumps(
            [dict(zip(self._columns, row, strict=True)) for row in rows], default=_plain
        )

    def _ready(self, here: BaseDatabaseWrapper, rows: Iterable[Row]) -> Sequence[Sequence[Any]]:
        """Return the rows as this database takes them."""
        ways = [(place, _way(field, here)) for place, field in enumerate(self._fields)]
        needed = [(place, way) for place, way in ways if way]
        if not needed:
            return list(rows)
        ready = [list(row) for row in rows]
        for row in ready:
            for place, way in needed:
                row[place] = way(row[place])
        return ready


def _field(model: type[models.Model], name: str) -> Any:
    return model._meta.get_field(name)


def _way(field: Any, here: BaseDatabaseWrapper) -> Callable[[Any], Any] | None:
    """Return what makes a field's values fit this database; None where they go as they are."""
    if isinstance(field, SealedTextField):
        return field.get_prep_value
    kind = field.target_field if field.is_relation else field
    typed = here.vendor == "postgresql" and not isinstance(kind, models.JSONField)
    if typed or isinstance(kind, _AS_THEY_ARE):
        return None
    if isinstance(kind, models.DateTimeField):
        return here.ops.adapt_datetimefield_value
    return partial(field.get_db_prep_save, connection=here)


def _copy(cursor: Any, into: str, rows: Iterable[Sequence[Any]]) -> None:
    with cursor.copy(f"COPY {into} FROM STDIN") as copying:
        for row in rows:
            copying.write_row(row)


def _plain(value: Any) -> Any:
    """Return a value that JSON has no form for in one that PostgreSQL reads."""
    return value.obj if isinstance(value, Jsonb) else str(value)


def _listed(columns: Iterable[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)
