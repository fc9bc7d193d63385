"""Reads the rows of any model's table the same way from any database, and sums them up.

Values are as they stand in their columns: what is sealed is not opened. Tables and columns are
those of the installed models, so a new one is there with no change here.
"""

from __future__ import annotations

import datetime as dt
import decimal
import json
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from django.apps import apps
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import Error as DatabaseError
from django.utils.translation import gettext

ROWS_AT_ONCE = 2_000

Row = tuple[Any, ...]


class CannotRead(Exception):
    """A table holds what its columns do not allow. The sentence names the table, no value."""


@dataclass(frozen=True)
class Table:
    """A model's table, with the columns that the model keeps itself."""

    model: type[models.Model]

    @property
    def name(self) -> str:
        return self.model._meta.db_table

    @property
    def fields(self) -> list[Any]:
        return [field for field in self.model._meta.local_concrete_fields if not field.generated]

    def key(self, row: Row) -> str:
        """Return the primary key of a row, to look it up by.

        Text is left out: it may be the key of somebody's session.
        """
        named = dict(zip((field.column for field in self.fields), row, strict=True))
        columns = [field.column for field in self.model._meta.pk_fields]
        shown = {c: "…" if isinstance(named[c], str) else named[c] for c in columns}
        return ", ".join(f"{column} {value}" for column, value in shown.items())


@dataclass(frozen=True)
class Sum:
    """How many rows a table has, and a checksum that is the same in whatever order they lie."""

    rows: int
    checksum: str


def owned_tables() -> list[Table]:
    """Return the tables of all installed models, with those of their many-to-many relations."""
    found = apps.get_models(include_auto_created=True)
    owned = (model for model in found if model._meta.managed and not model._meta.proxy)
    return [Table(model) for model in {model._meta.db_table: model for model in owned}.values()]


# --- Reading, the same for both -------------------------------------------------------------------


def rows(connection: BaseDatabaseWrapper, table: Table) -> Iterator[Row]:
    """Return a table's rows as Python values, such as times with a zone and UUIDs; JSON as text.

    Raises `CannotRead` for a row that is not what its columns say.
    """
    quote = connection.ops.quote_name
    columns = ", ".join(quote(field.column) for field in table.fields)
    conversions = [
        (index, convert, expression)
        for index, field in enumerate(table.fields)
        for convert, expression in _conversions(connection, table, field)
    ]
    try:
        with connection.chunked_cursor() as cursor:
            cursor.execute(f"SELECT {columns} FROM {quote(table.name)}")  # noqa: S608
            while chunk := cursor.fetchmany(ROWS_AT_ONCE):
                yield from _converted(chunk, conversions, connection) if conversions else chunk
    except ValueError:
        words = gettext("%(table)s has a row that is not what its columns say.")
        raise CannotRead(words % {"table": table.name}) from None
    except DatabaseError as error:
        # SQLite quotes the text that it cannot decode.
        reason = str(error).partition(" with text ")[0]
        words = gettext("%(table)s cannot be read: %(why)s.")
        raise CannotRead(words % {"table": table.name, "why": reason}) from None


Conversion = tuple[Callable[[Any, Any, Any], Any], Any]


def _conversions(connection: BaseDatabaseWrapper, table: Table, field: Any) -> Iterator[Conversion]:
    """Return the conversions that the database needs for a column, without those of our fields."""
    expression = field.get_col(table.name)
    of_the_field = field.get_db_converters(connection)
    opening = getattr(field, "from_db_value", None)
    for convert in (*connection.ops.get_db_converters(expression), *of_the_field):
        if convert != opening:
            yield convert, expression


def _converted(
    chunk: list[Row], conversions: list[tuple[int, Any, Any]], connection: BaseDatabaseWrapper
) -> Iterator[Row]:
    for row in chunk:
        values = list(row)
        for index, convert, expression in conversions:
            values[index] = convert(values[index], expression, connection)
        yield tuple(values)


# --- Verifying ------------------------------------------------------------------------------------


def sum_of(found: Iterable[Row], json_at: Iterable[int] = ()) -> Sum:
    """Return the sum of rows: the total of a 128-bit hash of each.

    ``json_at`` are the positions of the columns that hold JSON as text.
    """
    count = total = 0
    for row in found:
        values = [plain(v) if (plain := PLAIN.get(type(v))) else v for v in row]
        for index in json_at:
            values[index] = values[index] and _plain_json(values[index])
        count += 1
        total += int.from_bytes(blake2b(repr(values).encode(), digest_size=16).digest())
    return Sum(count, f"{total % 2**128:032x}")


PLAIN: dict[type, Callable[[Any], Any]] = {
    dt.datetime: lambda value: _plain_time(value),
    dt.date: dt.date.isoformat,
    uuid.UUID: lambda value: value.hex,
    decimal.Decimal: lambda value: _plain_number(value),
    memoryview: bytes,
}
"""How values of a type are brought into one form, where two drivers show them differently."""
_EXACT = decimal.Context(
    prec=decimal.MAX_PREC, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN
)  # fmt: skip


def _plain_time(value: dt.datetime) -> str:
    # Nearly all are in UTC already, and to ask for it again costs more than the rest.
    zoned = value.tzinfo is None or value.tzinfo is dt.UTC
    return (value if zoned else value.astimezone(dt.UTC)).isoformat()


def _plain_number(value: decimal.Decimal) -> str:
    return str(value.normalize(_EXACT)) if value else "0"


@lru_cache(maxsize=1024)
def _plain_json(text: str) -> str:
    """Return JSON without what PostgreSQL forgets: spaces, order of keys, spelling of numbers."""
    value = json.loads(text, parse_int=decimal.Decimal, parse_float=decimal.Decimal)
    # A list with a NUL stands for a number: nothing else that both hold can look like it.
    return json.dumps(value, sort_keys=True, default=lambda n: ["\0", _plain_number(n)])
