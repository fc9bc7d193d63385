"""Moves an installation from SQLite to PostgreSQL: every row, and the proof that it arrived.

Values cross as they stand in their columns. What is sealed stays sealed and opens in its new place,
because it is bound to model, field and owner; ``FIELD_KEYS`` are not needed. Tables and columns are
those of the installed models: a new one comes along with no change here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import DEFAULT_DB_ALIAS, connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import Error as DatabaseError
from django.utils.translation import gettext

from dispatch.configuration import database_from_url
from dispatch.models import Person, Seller, ServiceJob
from dispatch.services.upkeep.moving_rows import (
    CannotRead,
    Row,
    Sum,
    Table,
    owned_tables,
    rows,
    sum_of,
)

TARGET = "moving_target"
KNOWN = ("postgres://", "postgresql://", "sqlite:///")
PATIENCE = 10
"""Seconds to wait for the target's answer, and for its locks."""

Tell = Callable[[str], None]


class CannotMove(Exception):
    """Nothing was moved. One sentence says why, and holds neither a value nor a password."""


class Differs(CannotMove):
    """What was read back is not what was there; ``checks`` says where."""

    def __init__(self, checks: list[Check]) -> None:
        names = ", ".join(check.table for check in checks if not check.ok)
        words = gettext("The copy differs from the source in %(names)s; nothing was moved.")
        super().__init__(words % {"names": names})
        self.checks = checks


@dataclass(frozen=True)
class Check:
    """One table, read back from both databases."""

    table: str
    source: Sum
    target: Sum

    @property
    def ok(self) -> bool:
        return self.source == self.target


def move(url: str, tell: Tell) -> list[Check]:
    """Copy the database of ``DATABASE_URL`` into the empty PostgreSQL database at ``url``.

    All or nothing, in one transaction of the target: what is read back is compared before it is
    committed. The source is only read, as it was at one moment. ``tell`` is given a line for every
    step. Raises `CannotMove`, and `Differs` where the copy is not the source.
    """
    source = connections[DEFAULT_DB_ALIAS]
    with opened(_configuration(url, source)) as target:
        _require_migrated(source)
        _require_reachable(target)
        migrate(target)
        _require_uninhabited(target)
        tables = owned_tables()
        with _snapshot(source, tell), _one_transaction(target):
            _fill(source, target, tables, tell)
            checks = [_check(source, target, table, tell) for table in tables]
            if not all(check.ok for check in checks):
                raise Differs(checks)
    return checks


def left_behind() -> list[str]:
    """Return the tables of the source that are not moved: the cache, and Django's own."""
    source = connections[DEFAULT_DB_ALIAS]
    with source.cursor() as cursor:
        present = set(source.introspection.table_names(cursor))
    return sorted(present - {table.name for table in owned_tables()})


# --- Whether it may be done at all ----------------------------------------------------------------


def _configuration(url: str, source: BaseDatabaseWrapper) -> dict[str, Any]:
    config = _read(url)
    if _place(config) == _place(source.settings_dict):
        raise CannotMove(gettext("The target is the database of DATABASE_URL itself."))
    if not config["ENGINE"].endswith("postgresql"):
        raise CannotMove(gettext("The target must be written as postgres://user@host/name."))
    if source.vendor != "sqlite":
        raise CannotMove(
            gettext("DATABASE_URL is not SQLite: pg_dump and pg_restore move PostgreSQL.")
        )
    return config


def _read(url: str) -> dict[str, Any]:
    # What begins otherwise would be quoted in a warning, with its password.
    if not url.startswith(KNOWN):
        return {"ENGINE": ""}
    try:
        return database_from_url(url)
    except ImproperlyConfigured:
        return {"ENGINE": ""}


def _place(config: dict[str, Any]) -> tuple[str, ...]:
    """Return where a database is, without who logs in there, to tell whether two are the same."""
    return tuple(str(config.get(part) or "") for part in ("ENGINE", "HOST", "PORT", "NAME"))


@contextmanager
def opened(config: dict[str, Any]) -> Iterator[BaseDatabaseWrapper]:
    """Open one connection to the target, without a pool, for as long as the block lasts."""
    options = {"connect_timeout": PATIENCE, **config.get("OPTIONS", {}), "pool": None}
    known = connections.configure_settings(
        {DEFAULT_DB_ALIAS: {}, TARGET: {**config, "OPTIONS": options}}
    )
    connections.settings[TARGET] = known[TARGET]
    try:
        yield connections[TARGET]
    finally:
        connections[TARGET].close()
        del connections[TARGET]
        del connections.settings[TARGET]


def _require_migrated(source: BaseDatabaseWrapper) -> None:
    executor = MigrationExecutor(source)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise CannotMove(
            gettext("The source has migrations to come: run `python manage.py migrate` first.")
        )


def _require_reachable(target: BaseDatabaseWrapper) -> None:
    try:
        target.ensure_connection()
    except DatabaseError as error:
        words = gettext("The target cannot be reached: %(fault)s")
        raise CannotMove(words % {"fault": _told(error, target)}) from None


def migrate(target: BaseDatabaseWrapper) -> None:
    """Make the target's tables; raises `CannotMove`.

    While that goes on the target is the default database: a migration that changes rows and names
    no database would change the source's.
    """
    source = connections[DEFAULT_DB_ALIAS]
    connections[DEFAULT_DB_ALIAS] = target
    try:
        call_command("migrate", interactive=False, verbosity=0)
    except DatabaseError as error:
        words = gettext("The target cannot be migrated: %(fault)s")
        raise CannotMove(words % {"fault": _told(error, target)}) from None
    finally:
        connections[DEFAULT_DB_ALIAS] = source


def _require_uninhabited(target: BaseDatabaseWrapper) -> None:
    for model in (Person, Seller, ServiceJob):
        if model._base_manager.using(target.alias).exists():
            words = gettext("The target is not empty: %(table)s has rows.")
            raise CannotMove(words % {"table": model._meta.db_table})


def _told(error: Exception, target: BaseDatabaseWrapper) -> str:
    """Return a server's error on one line, without the password, should it ever be in it."""
    said = " ".join(str(error).split())
    password = str(target.settings_dict["PASSWORD"])
    return said.replace(password, "…") if password else said


# --- Two transactions -----------------------------------------------------------------------------


@contextmanager
def _snapshot(source: BaseDatabaseWrapper, tell: Tell) -> Iterator[None]:
    """Read the source in one transaction, which sees nothing written meanwhile and blocks nobody.

    Django's ``atomic`` would take SQLite's write lock.
    """
    with source.cursor() as cursor:
        before = _only(cursor, "PRAGMA data_version")
        cursor.execute("BEGIN")
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")
        if _only(cursor, "PRAGMA data_version") != before:
            tell(
                gettext(
                    "WARNING: somebody wrote to the source meanwhile; the copy is older than that."
                )
            )


@contextmanager
def _one_transaction(target: BaseDatabaseWrapper) -> Iterator[None]:
    """Write the target in one transaction; raises `CannotMove` for whatever the server refuses."""
    try:
        with transaction.atomic(using=target.alias):
            with target.cursor() as cursor:
                # A server's own limits are meant for pages; while the source is read it is idle.
                cursor.execute("SET LOCAL statement_timeout = 0")
                cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
                cursor.execute(f"SET LOCAL lock_timeout = '{PATIENCE}s'")
            yield
    except (DatabaseError, psycopg.Error) as error:
        raise CannotMove(_refusal(error, target)) from None
    except CannotRead as error:
        raise CannotMove(str(error)) from None


def _refusal(error: Exception, target: BaseDatabaseWrapper) -> str:
    """Return why the server refused; for data only where, as the server may quote values."""
    cause = error.__cause__ or error
    if not isinstance(cause, psycopg.Error) or not cause.sqlstate:
        return gettext("The target failed: %(fault)s") % {"fault": _told(error, target)}
    if cause.sqlstate[:2] in ("22", "23"):
        where = ", ".join(filter(None, (cause.diag.table_name, cause.diag.constraint_name)))
        words = gettext("PostgreSQL refuses the rows of %(table)s: %(why)s.")
        return words % {"table": where, "why": _kind(cause)}
    return gettext("The target failed: %(fault)s.") % {"fault": cause.diag.message_primary}


def _kind(error: Exception) -> str:
    """Return an error's name in words: "foreign key violation" for ``ForeignKeyViolation``."""
    return re.sub(r"(?<!^)([A-Z])", r" \1", type(error).__name__).lower()


def _only(cursor: Any, statement: str) -> Any:
    cursor.execute(statement)
    return cursor.fetchone()[0]


# --- Copying --------------------------------------------------------------------------------------


def _fill(
    source: BaseDatabaseWrapper, target: BaseDatabaseWrapper, tables: list[Table], tell: Tell
) -> None:
    with target.cursor() as cursor:
        names = [target.ops.quote_name(table.name) for table in tables]
        again = _set_aside(cursor, names)
        cursor.execute(f"TRUNCATE {', '.join(names)} RESTART IDENTITY")
        for table in tables:
            tell(f"{table.name}: {_copy(source, target, table):,} rows copied")
        tell("Building indexes and checking references")
        for statement in again:
            cursor.execute(statement)
        _continue_numbers(source, target, tables)
        cursor.execute(f"ANALYZE {', '.join(names)}")


_SET_ASIDE = """
SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname),
       format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname,
              pg_get_constraintdef(oid))
FROM pg_constraint WHERE contype = 'f' AND conrelid = ANY(%(tables)s::text[]::regclass[])
UNION ALL
SELECT format('DROP INDEX %%s', indexrelid::regclass), pg_get_indexdef(indexrelid)
FROM pg_index WHERE NOT indisunique AND indrelid = ANY(%(tables)s::text[]::regclass[])
"""


def _set_aside(cursor: Any, tables: list[str]) -> list[str]:
    """Drop references and plain indexes; returns the statements that make them again.

    Row by row, every reference waits in the server's memory until the commit, and every index is
    filled at random; made afterwards, each is one pass. Keys and unique indexes stay.
    """
    cursor.execute(_SET_ASIDE, {"tables": tables})
    statements = cursor.fetchall()
    for drop, _ in statements:
        cursor.execute(drop)
    return [make for _, make in statements]


def _copy(source: BaseDatabaseWrapper, target: BaseDatabaseWrapper, table: Table) -> int:
    """Stream a table across; returns its number of rows."""
    quote = target.ops.quote_name
    columns = ", ".join(quote(field.column) for field in table.fields)
    # Rows of a table that this transaction emptied may be written as old ones: no vacuum later.
    statement = f"COPY {quote(table.name)} ({columns}) FROM STDIN (FREEZE)"
    number = 0
    try:
        with target.cursor() as cursor, cursor.copy(statement) as copy:
            for number, row in enumerate(rows(source, table), 1):  # noqa: B007
                copy.write_row(row)
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        raise CannotMove(_refused_row(error, source, table, number)) from None
    return number


def _refused_row(
    error: psycopg.Error, source: BaseDatabaseWrapper, table: Table, number: int
) -> str:
    """Return a sentence that names the row and column the target does not take, never the value.

    ``number`` is the row that was being written. The server is behind, and tells its own.
    """
    context = error.diag.context or ""
    if line := re.search(r"^COPY [^,]+, line (\d+)", context, re.MULTILINE):
        number = int(line[1])
    row = next(islice(rows(source, table), number - 1, None))
    named = re.search(r"^COPY [^,]+, line \d+, column ([^:\n]+)", context, re.MULTILINE)
    column = named[1] if named else _column_with_nul(table, row)
    reason = _kind(error) if error.sqlstate else gettext("a NUL character")
    place = f"{table.name}.{column}" if column else table.name
    words = gettext("PostgreSQL cannot hold %(place)s of the row with %(key)s: %(why)s.")
    return words % {"place": place, "key": table.key(row), "why": reason}


def _column_with_nul(table: Table, row: Row) -> str:
    found = (
        field.column
        for field, value in zip(table.fields, row, strict=True)
        if isinstance(value, str) and "\0" in value
    )
    return next(found, "")


def _continue_numbers(
    source: BaseDatabaseWrapper, target: BaseDatabaseWrapper, tables: list[Table]
) -> None:
    """Let the target number rows on from the source, so that no number is given twice."""
    with source.cursor() as cursor:
        cursor.execute("SELECT name, seq FROM sqlite_sequence")
        given = dict(cursor.fetchall())
    with target.cursor() as cursor:
        for statement in target.ops.sequence_reset_sql(
            no_style(), [table.model for table in tables]
        ):
            cursor.execute(statement)
        for table in tables:
            numbered = table.model._meta.auto_field
            if numbered and given.get(table.name):
                name = target.ops.quote_name(table.name)
                cursor.execute(
                    "SELECT setval(pg_get_serial_sequence(%s, %s), %s)",
                    [name, numbered.column, given[table.name]],
                )


# --- Verifying ------------------------------------------------------------------------------------


def _check(
    source: BaseDatabaseWrapper, target: BaseDatabaseWrapper, table: Table, tell: Tell
) -> Check:
    json_at = [n for n, f in enumerate(table.fields) if isinstance(f, models.JSONField)]
    check = Check(
        table.name,
        sum_of(rows(source, table), json_at),
        sum_of(rows(target, table), json_at),
    )
    tell(f"{table.name}: {'read back' if check.ok else 'DIFFERS'}")
    return check
