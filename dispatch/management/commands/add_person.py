"""Makes the first person of an installation; everybody else is added under People."""

from __future__ import annotations

from typing import Any

from allauth.account import app_settings
from allauth.account.utils import user_pk_to_url_str
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email
from django.urls import reverse

from dispatch.models import Person


class Command(BaseCommand):
    help = "Add a person and print the address at which they set their password."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("name")

    def handle(self, *args: Any, email: str, name: str, **options: Any) -> None:
        try:
            validate_email(email)
        except ValidationError as error:
            raise CommandError(f"{email} is not an e-mail address.") from error
        if Person.objects.filter(email__iexact=email).exists():
            raise CommandError(f"{email} has an account already.")
        person = Person.objects.create_user(email, None, name=name)
        self.stdout.write(f"Added {person.email}. They set their password, once, at this path:")
        self.stdout.write(_password_path(person))


def _password_path(person: Person) -> str:
    key = app_settings.PASSWORD_RESET_TOKEN_GENERATOR().make_token(person)
    names = {"uidb36": user_pk_to_url_str(person), "key": key}
    return reverse("account_reset_password_from_key", kwargs=names)
