"""From SQLite to PostgreSQL: ``python manage.py move_database postgres://user@host/name``."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from dispatch.services.upkeep import moving


class Command(BaseCommand):
    help = (
        "Copy the SQLite database of DATABASE_URL into an empty PostgreSQL database and verify "
        "every row. Stop web and worker first. The source is only read."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("url", help="postgres://user@host/name; the password from PGPASSWORD")

    def handle(self, *args: Any, url: str, **options: Any) -> None:
        try:
            checks = moving.move(url, self._tell)
        except moving.Differs as error:
            self._show(error.checks)
            raise CommandError(str(error)) from None
        except moving.CannotMove as error:
            raise CommandError(str(error)) from None
        self._show(checks)
        self.stdout.write(f"Not copied: {', '.join(moving.left_behind())}.")
        self.stdout.write("Every row arrived. Set DATABASE_URL to the target, then run release.")

    def _tell(self, line: str) -> None:
        self.stderr.write(line, str)
        self.stderr.flush()

    def _show(self, checks: list[moving.Check]) -> None:
        width = max(len(check.table) for check in checks)
        self.stdout.write(f"{'table':<{width}} {'rows':>12}  {'checksum':<32}  ok")
        for check in checks:
            source, ok = check.source, "yes" if check.ok else "NO"
            self.stdout.write(f"{check.table:<{width}} {source.rows:>12,}  {source.checksum}  {ok}")
