"""Proves that no row of the log of activity was changed, removed, inserted or swapped."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.formats import number_format
from django.utils.translation import gettext, ngettext

from dispatch.services.audit import evidence


class Command(BaseCommand):
    help = gettext(
        "Verify the log of activity; exit code 1 and the first wrong row if it was changed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--head",
            default="",
            help=gettext("A head printed earlier: the log must still hold that row."),
        )

    def handle(self, *args: Any, head: str, **options: Any) -> None:
        try:
            proof = evidence.verify(head)
        except evidence.Broken as damage:
            raise CommandError(str(damage)) from None
        words = ngettext(
            "%(count)s row, as it was written.",
            "%(count)s rows, all as they were written.",
            proof.rows,
        )
        self.stdout.write(words % {"count": number_format(proof.rows, force_grouping=True)})
        self.stdout.write(gettext("Head, to be kept elsewhere: %(head)s") % {"head": proof.head})
