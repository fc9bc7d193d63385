"""What keeps accounts safe: invitations, used passwords, failed attempts, reviews."""

from __future__ import annotations

import datetime as dt

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from dispatch.models.people import Membership, Person
from dispatch.models.sellers import Seller

INVITATION_DAYS = 7


def _a_week_on() -> dt.datetime:
    return timezone.now() + dt.timedelta(days=INVITATION_DAYS)


class Invitation(models.Model):
    """A link that makes an account, or a membership, once: for one e-mail, seller and role.

    Without a seller it makes the account alone: so an installation gets its first owner.
    """

    email = models.EmailField()
    seller = models.ForeignKey(Seller, models.CASCADE, null=True, related_name="invitations")
    role = models.CharField(max_length=10, choices=Membership.Role.choices)
    token_hash = models.CharField(max_length=64, unique=True)
    """SHA-256 of the link's token; the token itself is kept nowhere."""
    invited_by = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(default=_a_week_on)
    accepted_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.email} as {self.role}"


class PastPassword(models.Model):
    """The hash of a password that a person has, or had."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="past_passwords")
    password = models.CharField(max_length=128)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"a password of {self.person_id}"


class FailedLogIn(models.Model):
    """How often a log-in name failed in a row, whether or not somebody has that name."""

    name_hash = models.CharField(max_length=64, primary_key=True)
    failures = models.PositiveSmallIntegerField(default=0)
    last_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return f"{self.failures} failures"


class AccessReview(models.Model):
    """One access review: an owner looked at everybody's access to a seller, and signed."""

    seller = models.ForeignKey(Seller, models.CASCADE, related_name="access_reviews")
    reviewer = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+")
    reviewer_name = models.CharField(max_length=100)
    signed_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.seller_id} at {self.signed_at:%Y-%m-%d}"


class ReviewedAccess(models.Model):
    """A person's access as it was in a review. It stays when the person goes."""

    class Decision(models.TextChoices):
        KEEP = "keep", _("Keep")
        REMOVE = "remove", _("Remove")

    review = models.ForeignKey(AccessReview, models.CASCADE, related_name="rows")
    person = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+")
    name = models.CharField(max_length=100)
    email = models.EmailField()
    role = models.CharField(max_length=10, choices=Membership.Role.choices)
    last_login = models.DateTimeField(null=True)
    second_factor = models.CharField(max_length=100, blank=True)
    decision = models.CharField(max_length=6, choices=Decision.choices)

    def __str__(self) -> str:
        return f"{self.decision} {self.person_id}"
