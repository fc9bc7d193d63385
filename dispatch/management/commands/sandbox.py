"""Run the local SP-API sandbox: ``python manage.py sandbox --port 8787``."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext

from dispatch.sandbox import cli


class Command(BaseCommand):
    help = gettext("Run the local SP-API Services and LWA sandbox")
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        cli.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        names = ("host", "port", "jobs", "sellers", "seed", "state", "rate_limits", "life")
        cli.run(**{name: options[name] for name in names})
