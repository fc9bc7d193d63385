"""Prints a link for a new password, for an installation that sends no mail."""

from __future__ import annotations

from typing import Any

from allauth.account import app_settings
from allauth.account.utils import user_pk_to_url_str
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse
from django.utils.translation import gettext

from dispatch.models import Person
from dispatch.services.audit import activity


class Command(BaseCommand):
    help = gettext("Print the path at which a person sets a new password, once, within three days.")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        person = Person.objects.filter(email__iexact=email, is_active=True).first()
        if person is None:
            raise CommandError(gettext("Nobody has the address %(email)s.") % {"email": email})
        activity.record(activity.Kind.PASSWORD_LINK_MADE, subject=person.email)
        key = app_settings.PASSWORD_RESET_TOKEN_GENERATOR().make_token(person)
        names = {"uidb36": user_pk_to_url_str(person), "key": key}
        self.stdout.write(reverse("account_reset_password_from_key", kwargs=names))
