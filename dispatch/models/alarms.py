"""Alarms: what an owner has to look at, open until one says that they have."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from dispatch.models.people import Person
from dispatch.models.sellers import Seller


class Alarm(models.Model):
    """One thing to look at, about a seller, a person or the installation. No buyer data."""

    class Kind(models.TextChoices):
        VOLUME = "volume", _("Unusual amount of buyer data taken")
        FAILURES = "failures", _("Failed log-ins of one account")
        MANY_FAILURES = "many_failures", _("Failed log-ins")
        AMAZON_REFUSES = "amazon_refuses", _("Amazon denies access")
        SECRET_EXPIRES = "secret_expires", _("Client secret expires")
        AUTHORISATION_EXPIRES = "authorisation_expires", _("Authorisation expires")
        LOG_BROKEN = "log_broken", _("Log of activity was changed")

    key = models.CharField(max_length=150, unique=True)
    """What the alarm is about, and when. Of several with the same key only one is raised."""
    kind = models.CharField(max_length=30)
    seller = models.ForeignKey(Seller, models.CASCADE, null=True, related_name="alarms")
    person = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+")
    """The person whom the alarm is about."""
    count = models.PositiveIntegerField(null=True)
    due_at = models.DateTimeField(null=True)
    """When the secret or authorisation ends that the alarm is about."""
    finding = models.CharField(max_length=300, blank=True)
    raised_at = models.DateTimeField(default=timezone.now)
    mailed_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True, db_index=True)
    """The alarm is open until then. Without a person it closed itself, as its cause is gone."""
    acknowledged_by = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["-raised_at", "-pk"]

    def __str__(self) -> str:
        return self.key
