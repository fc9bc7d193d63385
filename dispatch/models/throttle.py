"""The token buckets that all processes share."""

from __future__ import annotations

from django.db import models


class RateBucket(models.Model):
    """The token bucket of one application, seller and operation. ``key`` holds a digest of them."""

    key = models.CharField(primary_key=True, max_length=200)
    full_at = models.FloatField()
    """Seconds since 1970 at which the bucket is full again."""
    rate = models.FloatField(null=True)
    """Amazon's own rate, where it told us one."""

    def __str__(self) -> str:
        return self.key
