"""Saved views of the jobs list."""

from __future__ import annotations

from django.db import models

from dispatch.models.people import Person
from dispatch.models.sellers import Seller


class SavedView(models.Model):
    """A filter of the jobs list under a name, private or shared with a seller's people."""

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
