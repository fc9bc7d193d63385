"""Proves that no row of the log of activity was changed, removed, inserted or swapped."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from dispatch.services.audit import evidence


class Command(BaseCommand):
    help = "Verify the log of activity; exit code 1 and the first wrong row if it was touched."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--head", default="", help="A head printed earlier: the log must still hold that row."
        )

    def handle(self, *args: Any, head: str, **options: Any) -> None:
        try:
            proof = evidence.verify(head)
        except evidence.Broken as damage:
            raise CommandError(str(damage)) from None
        self.stdout.write(f"{proof.rows:,} rows, all as they were written.")
        self.stdout.write(f"Head, to be kept elsewhere: {proof.head}")
