"""Erases what must not be kept any longer; the worker does it every hour."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from dispatch.services.upkeep import retention

ERASED = {
    "buyers": _("Erased: %(count)s buyers of closed jobs."),
    "jobs": _("Erased: %(count)s jobs closed eighteen months ago."),
    "sellers": _("Erased: %(count)s sellers disconnected for thirty days."),
}
DUE = {
    "buyers": _("Would erase: %(count)s buyers of closed jobs."),
    "jobs": _("Would erase: %(count)s jobs closed eighteen months ago."),
    "sellers": _("Would erase: %(count)s sellers disconnected for thirty days."),
}


class Command(BaseCommand):
    help = gettext("Erase buyers, jobs and sellers whose time is over.")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help=gettext("only say what would be erased")
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        counts = retention.due(now) if options["dry_run"] else retention.run(now)
        for name, words in (DUE if options["dry_run"] else ERASED).items():
            count = number_format(counts[name], force_grouping=True)
            self.stdout.write(words % {"count": count})
