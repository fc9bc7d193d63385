"""Seals everything again with the first of ``FIELD_KEYS``."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from dispatch.models.keyring import SealBroken
from dispatch.services.upkeep import keys


class Command(BaseCommand):
    help = "Seal everything again with the first of FIELD_KEYS; may be stopped and run again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what is left")

    def handle(self, *args: Any, **options: Any) -> None:
        self._say_what_is_left()
        if options["dry_run"]:
            return
        try:
            done = keys.rotate(self._tell)
        except SealBroken as error:
            raise CommandError(f"{error} Is its key still in FIELD_KEYS?") from None
        self.stdout.write(f"{done:,} rows sealed again.")
        self._say_what_is_left()

    def _tell(self, model: str, rows: int) -> None:
        self.stdout.write(f"{model}: {rows:,} more")

    def _say_what_is_left(self) -> None:
        left = keys.left()
        for model, rows in left.items():
            self.stdout.write(f"Left: {rows:,} of {model}.")
        if not left:
            self.stdout.write("Nothing is left: the older keys can be taken out of FIELD_KEYS.")
