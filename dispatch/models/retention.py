"""How long data is kept, and the record of what was erased, when and why.

The terms are those of Amazon's Data Protection Policy.
"""

from __future__ import annotations

import datetime as dt

from django.db import models
from django.utils.translation import gettext_lazy as _

KEEP_BUYER_FOR = dt.timedelta(days=30)
"""How long the buyer is kept after a job is closed."""
KEEP_JOBS_FOR = dt.timedelta(days=548)
"""How long a job is kept after it is closed: eighteen months. Its writes to Amazon go with it."""
KEEP_SELLER_FOR = dt.timedelta(days=30)
"""How long what came from Amazon is kept after a seller disconnects."""


class Erasure(models.Model):
    """One run that erased something, or the certificate that a seller's data is gone.

    It has no reference to other rows, because those are not there any more.
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
    """When the oldest job that was erased was closed, or when the seller disconnected."""
    counts = models.JSONField(default=dict)
    """How many rows of each table were erased: ``{"jobs": 214, …}``."""

    class Meta:
        ordering = ["-at"]
        indexes = [models.Index(fields=["seller_id", "at"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d}"

    @property
    def erased(self) -> list[tuple[str, int]]:
        """The tables in the reader's language, each with how many of its rows were erased."""
        return [(str(TABLES.get(name, name)), count) for name, count in self.counts.items()]


TABLES = {
    "actions": _("actions"),
    "appointments": _("appointments"),
    "associated items": _("associated items"),
    "job references": _("job references"),
    "job words": _("job words"),
    "jobs": _("jobs"),
    "reason codes": _("reason codes"),
    "sync jobs": _("sync jobs"),
    "technicians": _("technicians"),
}
"""By the names under which an erasure counts them."""
