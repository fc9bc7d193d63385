"""Seals everything again with the first of ``FIELD_KEYS``."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.formats import number_format
from django.utils.translation import gettext, ngettext

from dispatch.models.keyring import SealBroken
from dispatch.services.upkeep import keys


class Command(BaseCommand):
    help = gettext(
        "Seal everything again with the first of FIELD_KEYS; may be stopped and run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help=gettext("only say what is left"))

    def handle(self, *args: Any, **options: Any) -> None:
        self._say_what_is_left()
        if options["dry_run"]:
            return
        try:
            done = keys.rotate(self._tell)
        except SealBroken as error:
            words = gettext("%(fault)s Is its key still in FIELD_KEYS?")
            raise CommandError(words % {"fault": error}) from None
        words = ngettext("%(count)s row sealed again.", "%(count)s rows sealed again.", done)
        self.stdout.write(words % {"count": number_format(done, force_grouping=True)})
        self._say_what_is_left()

    def _tell(self, model: str, rows: int) -> None:
        count = number_format(rows, force_grouping=True)
        self.stdout.write(gettext("%(model)s: %(count)s more") % {"model": model, "count": count})

    def _say_what_is_left(self) -> None:
        left = keys.left()
        for model, rows in left.items():
            count = number_format(rows, force_grouping=True)
            words = gettext("Left: %(count)s of %(model)s.")
            self.stdout.write(words % {"count": count, "model": model})
        if not left:
            self.stdout.write(
                gettext("Nothing is left: the older keys can be taken out of FIELD_KEYS.")
            )
