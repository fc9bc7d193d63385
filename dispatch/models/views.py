"""Saved views of the list, and the record of who took buyer data out of it."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from dispatch.models.people import Person
from dispatch.models.sellers import Seller


class SavedView(models.Model):
    """A filter of the jobs list by name: private, or shared with a seller's people."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="saved_views")
    seller = models.ForeignKey(Seller, models.CASCADE, null=True, blank=True, related_name="+")
    """Set when the view is shared with the members of this seller."""
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=2000, blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["person", "name"], name="one_view_per_name")]

    def __str__(self) -> str:
        return self.name


class AccessRecord(models.Model):
    """Somebody opened or exported buyer data."""

    class Kind(models.TextChoices):
        EXPORT = "export", "Exported the list"
        OPEN = "open", "Opened buyer data"

    person = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+")
    seller = models.ForeignKey(Seller, models.CASCADE, null=True, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    subject = models.CharField(max_length=100, blank=True)
    jobs = models.PositiveIntegerField(default=0)
    at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return f"{self.kind} of {self.jobs}"
