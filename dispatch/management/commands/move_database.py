"""From SQLite to PostgreSQL: ``python manage.py move_database postgres://user@host/name``."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.formats import number_format
from django.utils.translation import gettext

from dispatch.services.upkeep import moving


class Command(BaseCommand):
    help = gettext(
        "Copy the SQLite database of DATABASE_URL into an empty PostgreSQL database and verify "
        "every row. Stop web and worker first. The source is only read."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "url", help=gettext("postgres://user@host/name; the password from PGPASSWORD")
        )

    def handle(self, *args: Any, url: str, **options: Any) -> None:
        try:
            checks = moving.move(url, self._tell)
        except moving.Differs as error:
            self._show(error.checks)
            raise CommandError(str(error)) from None
        except moving.CannotMove as error:
            raise CommandError(str(error)) from None
        self._show(checks)
        left = ", ".join(moving.left_behind())
        self.stdout.write(gettext("Not copied: %(tables)s.") % {"tables": left})
        self.stdout.write(
            gettext("Every row arrived. Set DATABASE_URL to the target, then run release.")
        )

    def _tell(self, line: str) -> None:
        self.stderr.write(line, str)
        self.stderr.flush()

    def _show(self, checks: list[moving.Check]) -> None:
        width = max(len(check.table) for check in checks)
        table, rows, checksum = gettext("table"), gettext("rows"), gettext("checksum")
        self.stdout.write(f"{table:<{width}} {rows:>12}  {checksum:<32}  {gettext('ok')}")
        for check in checks:
            source, ok = check.source, gettext("yes") if check.ok else gettext("NO")
            rows = number_format(source.rows, force_grouping=True)
            self.stdout.write(f"{check.table:<{width}} {rows:>12}  {source.checksum}  {ok}")
