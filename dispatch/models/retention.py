"""How long things are kept, and what was erased, when and why: that is kept when they are gone.

The terms are those of Amazon's Data Protection Policy.
"""

from __future__ import annotations

import datetime as dt

from django.db import models
from django.utils.translation import gettext_lazy as _

KEEP_BUYER_FOR = dt.timedelta(days=30)
"""After a job is closed."""
KEEP_JOBS_FOR = dt.timedelta(days=548)
"""Eighteen months after a job is closed; what was written to Amazon for it goes with it."""
KEEP_SELLER_FOR = dt.timedelta(days=30)
"""After a seller disconnects."""


class Erasure(models.Model):
    """One run that erased something, or the certificate that a seller's data is gone.

    It refers to nothing, because what it speaks of is not there any more.
    """

    class Kind(models.TextChoices):
        BUYERS = "buyers", _("Buyers of closed jobs")
        JOBS = "jobs", _("Old jobs")
        SELLER = "seller", _("Everything of a disconnected seller")

    kind = models.CharField(max_length=10, choices=Kind.choices)
    at = models.DateTimeField()
    seller_id = models.UUIDField(null=True)
    seller_name = models.CharField(max_length=100, blank=True)
    due_since = models.DateTimeField(null=True)
    """When the oldest of it, or the seller's connection, had ended."""
    counts = models.JSONField(default=dict)
    """Rows by table: ``{"jobs": 214, …}``."""

    class Meta:
        ordering = ["-at"]
        indexes = [models.Index(fields=["seller_id", "at"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d}"
