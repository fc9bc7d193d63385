"""Invites the first person of an installation; everybody else is invited under People."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email
from django.urls import reverse
from django.utils.translation import gettext

from dispatch.models import INVITATION_DAYS, Membership, Person
from dispatch.services.access import invitations


class Command(BaseCommand):
    help = gettext(
        "Print a link by which the first owner makes their account, with a password of their own."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        try:
            validate_email(email)
        except ValidationError as error:
            words = gettext("%(email)s is not an e-mail address.")
            raise CommandError(words % {"email": email}) from error
        if Person.objects.filter(email__iexact=email).exists():
            raise CommandError(gettext("%(email)s has an account already.") % {"email": email})
        invited = invitations.invite(email=email, seller=None, role=Membership.Role.OWNER, by=None)
        words = gettext("%(email)s makes their account at this path, once, within %(days)s days:")
        self.stdout.write(words % {"email": invited.invitation.email, "days": INVITATION_DAYS})
        self.stdout.write(reverse("invitation_link", args=[invited.token]))
