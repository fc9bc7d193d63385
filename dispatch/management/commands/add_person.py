"""Invites the first person of an installation; everybody else is invited under People."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email
from django.urls import reverse

from dispatch.models import INVITATION_DAYS, Membership, Person
from dispatch.services.access import invitations


class Command(BaseCommand):
    help = (
        "Print a link by which the first owner makes their account, with a password of their own."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        try:
            validate_email(email)
        except ValidationError as error:
            raise CommandError(f"{email} is not an e-mail address.") from error
        if Person.objects.filter(email__iexact=email).exists():
            raise CommandError(f"{email} has an account already.")
        invited = invitations.invite(email=email, seller=None, role=Membership.Role.OWNER, by=None)
        self.stdout.write(
            f"{invited.invitation.email} makes their account at this path, once, "
            f"within {INVITATION_DAYS} days:"
        )
        self.stdout.write(reverse("invitation_link", args=[invited.token]))
