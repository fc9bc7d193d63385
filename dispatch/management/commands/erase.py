"""Erases what must not be kept any longer; the worker does it every hour."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from dispatch.services.upkeep import retention

WORDS = {
    "buyers": "buyers of closed jobs",
    "jobs": "jobs closed eighteen months ago",
    "sellers": "sellers disconnected for thirty days",
}


class Command(BaseCommand):
    help = "Erase buyers, jobs and sellers whose time is over."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would be erased")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        counts = retention.due(now) if options["dry_run"] else retention.run(now)
        verb = "Would erase" if options["dry_run"] else "Erased"
        for name, words in WORDS.items():
            self.stdout.write(f"{verb}: {counts[name]:,} {words}.")
