"""Invitations by link: the only way to an account, and to a membership.

The link's token is shown once and kept as a hash. It is good for one acceptance, by the person of
one e-mail address, until it expires or is withdrawn.
"""

from __future__ import annotations

import logging
import secrets
import smtplib
from dataclasses import dataclass

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from dispatch.models import INVITATION_DAYS, Invitation, Membership, Person, Seller
from dispatch.selectors.invitations import hash_of_token, still_open
from dispatch.services.access import people
from dispatch.services.access.people import Role
from dispatch.services.audit import activity
from dispatch.services.errors import CannotBeDone

log = logging.getLogger(__name__)

NO_LONGER = _("This invitation was used, withdrawn or has expired. Ask for a new one.")


@dataclass(frozen=True, slots=True)
class Invited:
    """A new invitation, and the token of its link, which cannot be read again later."""

    invitation: Invitation
    token: str


def invite(*, email: str, seller: Seller | None, role: Role, by: Person | None) -> Invited:
    """Make an invitation, and withdraw an open one for the same e-mail address and seller.

    Without a seller the person is invited to an account alone. Raises `CannotBeDone` for somebody
    who belongs to the seller already.
    """
    email = email.strip().lower()
    if seller and seller.memberships.filter(person__email__iexact=email).exists():
        raise CannotBeDone(
            gettext("%(email)s belongs to %(seller)s already.")
            % {"email": email, "seller": seller.name}
        )
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        still_open().filter(email=email, seller=seller).update(withdrawn_at=timezone.now())
        invitation = Invitation.objects.create(
            email=email, seller=seller, role=role, invited_by=by, token_hash=hash_of_token(token)
        )
        activity.record(
            activity.Kind.PERSON_INVITED, person=by, seller=seller, subject=email, role=role
        )
    return Invited(invitation, token)


def withdraw(*, invitation: Invitation) -> None:
    """Withdraw an invitation: its link opens nothing any more."""
    with transaction.atomic():
        if still_open().filter(pk=invitation.pk).update(withdrawn_at=timezone.now()):
            activity.record(
                activity.Kind.INVITATION_WITHDRAWN,
                seller=invitation.seller,
                subject=invitation.email,
            )


def accept(*, invitation: Invitation, person: Person) -> Membership | None:
    """Give a person who has an account what they were invited to.

    Returns the new membership, or None where the invitation was to an account alone. Raises
    `CannotBeDone` where the invitation is no longer open, or is for another e-mail address.
    """
    if person.email.lower() != invitation.email:
        raise CannotBeDone(
            gettext("This invitation is for %(email)s.") % {"email": invitation.email}
        )
    with transaction.atomic():
        _use_up(invitation)
        if invitation.seller is None:
            activity.record(
                activity.Kind.PERSON_ADDED, person=person, subject=person.email, new=True
            )
            return None
        role = Role(invitation.role)
        return people.join(person=person, seller=invitation.seller, role=role)


def accept_as_new(*, invitation: Invitation, name: str, password: str) -> Person:
    """Make an account with the invitation's e-mail address, and accept the invitation for it.

    Raises `CannotBeDone` where the invitation is no longer open, and where the address has an
    account already.
    """
    with transaction.atomic():
        if Person.objects.filter(email__iexact=invitation.email).exists():
            raise CannotBeDone(
                gettext("%(email)s has an account already. Log in to accept.")
                % {"email": invitation.email}
            )
        person = Person.objects.create_user(invitation.email, password, name=name)
        accept(invitation=invitation, person=person)
    return person


def _use_up(invitation: Invitation) -> None:
    # One conditional update: of two who press the button, one gets in.
    if not still_open().filter(pk=invitation.pk).update(accepted_at=timezone.now()):
        raise CannotBeDone(NO_LONGER)


def mails_go_out() -> bool:
    """Return True when this installation is set up to send mail."""
    return not settings.EMAIL_BACKEND.endswith("dummy.EmailBackend")


def send(*, invitation: Invitation, link: str) -> bool:
    """Mail the link to the invited person; returns False where no mail left this machine."""
    if not mails_go_out():
        return False
    context = {"invitation": invitation, "link": link, "days": INVITATION_DAYS}
    text = render_to_string("people/invitation_mail.txt", context)
    subject = gettext("Your invitation to %(seller)s") % {"seller": invitation.seller or "Dispatch"}
    try:
        send_mail(" ".join(subject.split()), text, None, [invitation.email])
    except (OSError, smtplib.SMTPException) as error:
        log.warning("an invitation was not mailed: %s", type(error).__name__)
        return False
    return True
