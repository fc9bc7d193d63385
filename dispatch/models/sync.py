"""What has to be fetched from Amazon, and when. Rows decide; the queue only rings for them."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from dispatch.models.sellers import Seller


class SyncJob(models.Model):
    """A task of a seller that comes again and again, such as asking Amazon for changes."""

    class Kind(models.TextChoices):
        FIRST_LOAD = "first_load", _("First load")
        INCREMENTAL = "incremental", _("What has changed")
        SWEEP = "sweep", _("Night sweep")

    seller = models.ForeignKey(Seller, models.CASCADE, related_name="sync_jobs")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    next_run_at = models.DateTimeField(default=timezone.now, db_index=True)
    rung_at = models.DateTimeField(null=True, blank=True)
    """When the queue was last told that this is due."""
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=300, blank=True)
    last_success_at = models.DateTimeField(null=True, blank=True)
    page_token = models.TextField(blank=True)
    """Amazon's token of the page at which an interrupted first load goes on."""
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(null=True, blank=True)
    """When a first load began. Changes after that are left to the next task."""
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["seller", "kind"], name="one_task_per_kind")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.seller_id}"
