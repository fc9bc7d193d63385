"""Seller accounts with their credentials, and the reason codes their owners keep."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from dispatch.models.fields import SealedTextField
from dispatch.models.people import Person
from dispatch.spapi import Marketplaces


class Seller(models.Model):
    """A seller account on Amazon, owned by one person, with that person's own credentials."""

    class State(models.TextChoices):
        NEW = "new", _("Not tested yet")
        CONNECTED = "connected", _("Connected")
        REVOKED = "revoked", _("Needs re-authorisation")
        WRONG_SECRET = "wrong_secret", _("Wrong application id or secret")
        NO_ROLE = "no_role", _("Role missing at Amazon")
        DISCONNECTED = "disconnected", _("Disconnected")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(Person, models.PROTECT, related_name="owned_sellers")
    name = models.CharField(max_length=100)
    marketplace_id = models.CharField(
        max_length=20, choices=[(m.marketplace_id, m.name) for m in Marketplaces]
    )
    selling_partner_id = models.CharField(max_length=50, blank=True)
    application_id = models.CharField(max_length=100, blank=True)
    client_id = SealedTextField(owner="pk", blank=True)
    client_secret = SealedTextField(owner="pk", blank=True)
    refresh_token = SealedTextField(owner="pk", blank=True)
    state = models.CharField(max_length=12, choices=State.choices, default=State.NEW)
    state_detail = models.CharField(max_length=300, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    switched_off = models.JSONField(default=list, blank=True)
    """Kinds of `Action` that this seller has not agreed with Amazon."""
    sync_since = models.DateTimeField(null=True, blank=True)
    authorised_at = models.DateTimeField(null=True, blank=True)
    secret_rotated_at = models.DateTimeField(null=True, blank=True)
    disconnected_at = models.DateTimeField(null=True, blank=True)
    erased_at = models.DateTimeField(null=True, blank=True)
    """When everything that had come from Amazon was deleted, after it was disconnected."""
    synced_at = models.DateTimeField(null=True, blank=True)
    revision = models.PositiveBigIntegerField(default=0)
    """Grows with every change that a page could show: what open pages ask for."""
    watched_at = models.DateTimeField(null=True, blank=True)
    """When somebody last had one of the seller's pages open."""
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name

    @property
    def marketplace(self) -> Marketplaces:
        return Marketplaces.by_id(self.marketplace_id)

    @property
    def usable(self) -> bool:
        """True unless disconnected: what Amazon refused may have been mended since."""
        return self.state != self.State.DISCONNECTED


class ReasonCode(models.Model):
    """A reason that Amazon accepts for a kind of write. Owners keep them, as Amazon lists none."""

    class Kind(models.TextChoices):
        CANCEL = "cancel", _("Cancel")
        RESCHEDULE = "reschedule", _("Reschedule")

    seller = models.ForeignKey(Seller, models.CASCADE, related_name="reason_codes")
    marketplace_id = models.CharField(max_length=20)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    code = models.CharField(max_length=100)
    description = models.CharField(max_length=200, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "code"]
        constraints = [
            models.UniqueConstraint(
                fields=["seller", "marketplace_id", "kind", "code"], name="one_reason_per_code"
            )
        ]

    def __str__(self) -> str:
        return f"{self.code} — {self.description}" if self.description else self.code
